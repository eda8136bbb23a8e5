"""The sample shop: twenty thousand made-up people, one year, and the truth about who is who."""
