"""Conversations on record: which are, who is told, what becomes of the files."""
