"""The synthetic demo corpora: their texts, their voices and their files."""
