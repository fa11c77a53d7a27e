"""Casework at a node: acts, the read tables that are folded from them, figures, documents, private parts."""
