"""Readers: files of a known layout → a `Corpus`."""
