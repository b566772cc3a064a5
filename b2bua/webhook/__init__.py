"""The step that asks somebody's own server where a caller goes."""
