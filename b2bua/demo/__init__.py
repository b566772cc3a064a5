"""A demonstration that needs no phone: a small softphone, and a story played with it."""
