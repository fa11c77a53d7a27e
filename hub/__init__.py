"""What only the city has: directory, publishing, city-wide views. A hub is a node at the top of the tree."""
