"""MELD as it lies in its downloads → `Corpus`."""
