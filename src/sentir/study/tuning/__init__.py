"""Hyperparameter search for a recipe on dev, or on folds of train. Test is never read."""
