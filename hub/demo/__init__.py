"""The demonstration: five real nodes, the people at them, and whether the hub counts what they did."""
