"""Calibration of probabilities, its error, reliability, and decision thresholds."""
