"""Whether probabilities can be trusted: calibration, its errors, reliability, thresholds."""
