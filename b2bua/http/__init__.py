"""Requests to servers outside over HTTP, within a budget of time and size."""
