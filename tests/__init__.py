"""Tests, and the real parts that they share."""
