"""Error analysis: confusions, hardest examples, slices."""
