"""MELD in any of its layouts → `Corpus`."""
