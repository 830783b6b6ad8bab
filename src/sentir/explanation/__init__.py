"""Explanations: attributions of words, of audio and of features, and ablations of a model's inputs."""
