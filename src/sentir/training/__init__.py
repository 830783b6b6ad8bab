"""Training: a recipe and a corpus → a trained network and a recognizer."""

from sentir import torchvision_operators  # noqa: F401  (before transformers and timm)
