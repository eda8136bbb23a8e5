"""Which people: definitions, their compiler to the warehouse, memberships and computed traits."""
