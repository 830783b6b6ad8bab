"""Utterances → arrays and tokens, the same in training and prediction."""
