"""What the project makes of itself: the generated pages of the reference, and pictures."""
