"""A first recipe from a look at a table."""
