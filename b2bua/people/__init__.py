"""The people of the office: who they are, and who of them is on a call right now."""
