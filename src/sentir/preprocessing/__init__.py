"""Utterances → tensors, encodings and waveforms, the same in training and prediction."""
