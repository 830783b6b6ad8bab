"""Metrics, thresholds, intervals and the ledger of test openings."""
