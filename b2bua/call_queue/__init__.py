"""The queue step: callers wait in line, hear where they stand, and get the next free agent."""
