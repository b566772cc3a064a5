"""The system that knows the customers: who is responsible for a caller."""
