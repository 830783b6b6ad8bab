"""The chain of experiments: baselines, candidates, the finalist on test, and their comparison."""
