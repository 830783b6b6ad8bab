"""Studies: baselines and candidates, model selection on dev, one evaluation on test, and comparisons."""
