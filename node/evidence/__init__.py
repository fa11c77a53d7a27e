"""Single records: how far each has come, what proves it, who read or erased what."""
