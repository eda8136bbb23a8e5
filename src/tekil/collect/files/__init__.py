"""Files of people, events and orders, read row by row and sent in as messages."""
