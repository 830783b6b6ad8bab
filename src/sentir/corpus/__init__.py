"""The central data types: labels, utterances, corpora and predictions; and text cleaning."""
