"""Flaws that inflate a score, built for ``benchmarks/inflated_scores.py``, each next to the correct way."""
