"""What keeps a node whole: copies, repair, upgrades, room on the disk."""
