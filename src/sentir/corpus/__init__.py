"""The values everything else is about: labels, utterances, corpora, predictions, text cleaning."""
