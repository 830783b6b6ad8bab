"""Corpora of acted clips whose file names give speaker and emotion: one file for each corpus."""
