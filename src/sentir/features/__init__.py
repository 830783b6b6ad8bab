"""Numeric features of blind utterances."""
