"""Figures of any unit and period, the records behind each, and how they are handed out."""
