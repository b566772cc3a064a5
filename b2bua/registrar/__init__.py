"""Phones that register with us, and the question of who sent a call."""
