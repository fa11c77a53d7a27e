"""Moving signed events between databases (protocol gsync/1), without knowing what they mean."""
