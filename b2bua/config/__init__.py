"""The configuration file: frozen models, a loader whose errors name file, line and key, and a checker."""
