"""The menu step: prompts, digits, extensions, and a way out for those who press nothing."""
