"""The step that rings people: together, in turn or staggered."""
