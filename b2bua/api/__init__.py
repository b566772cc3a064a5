"""The HTTP interface: programs ask how the office stands, and say who takes calls."""
