"""CMU-MOSEI in each of its layouts → `Corpus`."""
