"""What a group says each day, what of it is owed, and what lifts or adds to it: checks, duties, excuses, campaigns."""
