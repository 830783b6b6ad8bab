"""EmoBox's manifests of 32 speech corpora → `Corpus`."""
