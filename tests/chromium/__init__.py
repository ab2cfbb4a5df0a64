"""Pages of several sites call an API from a real browser, and tell what they saw."""
