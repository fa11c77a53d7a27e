"""The agreed language of all levels: pure rules, without I/O, clock, random, Flask or SQL."""
