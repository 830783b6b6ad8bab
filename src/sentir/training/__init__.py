"""Utterances → tensors → a trained network → keyed predictions."""

from sentir import torchvision_operators  # noqa: F401  (before transformers and timm)
