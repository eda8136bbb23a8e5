"""Real input: the grocery baskets of 2,469 households, through the same front doors."""
