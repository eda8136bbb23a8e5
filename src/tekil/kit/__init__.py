"""Small things that every room uses and that import nothing of ours."""
