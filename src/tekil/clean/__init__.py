"""Cleaning before storing: pure functions from what was sent to what is kept."""
