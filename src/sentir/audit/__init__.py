"""Health and leaks of a corpus."""
