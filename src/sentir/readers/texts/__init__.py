"""Corpora of texts in tables of their own formats: one file for each corpus."""
