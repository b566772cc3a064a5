"""The lamps on our people's phones: what each may watch, and how that is at any moment."""
