"""What waits for somebody: to-do lists, reminders, supervisions, silence."""
