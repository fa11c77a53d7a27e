"""Who signs in at this node, and by what."""
