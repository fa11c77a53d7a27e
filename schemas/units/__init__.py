"""Units: the dated tree, the acts that change it, and the lists that it starts from."""
