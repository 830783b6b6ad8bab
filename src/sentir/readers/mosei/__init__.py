"""CMU-MOSEI in any of its layouts → `Corpus`."""
