"""A module for each kind of input, with ``prepare``: from a folder to an attempt at one case."""
