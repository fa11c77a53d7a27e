"""Commands at a terminal that a node and the hub share."""
