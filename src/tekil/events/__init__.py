"""What happened: the event history in the warehouse and the schema learned from it."""
