"""Calls: legs with sound, who is rung, who talks with whom. Knows no configuration and no database."""
