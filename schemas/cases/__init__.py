"""Cases: their acts and code lists, the fold from events to a state, limits, measures, and what a case asks of whom."""
