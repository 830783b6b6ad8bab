"""The locked test split: its ledger, and whether a model has seen it."""
