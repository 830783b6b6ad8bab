"""What flatters a score, built on purpose: each flaw beside the right way, for ``benchmarks/inflated_scores.py`` alone."""
