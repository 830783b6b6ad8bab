"""Tuning: settings of a recipe chosen by trying many on dev, or on parts of train. Test is never read."""
