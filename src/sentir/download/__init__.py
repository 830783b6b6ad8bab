"""Downloading corpora: their sources, and downloads that are resumed and verified."""
