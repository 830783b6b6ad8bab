"""Networks: plain ``nn.Module``s over plain tensors, which know nothing of corpora or recipes."""

from sentir import torchvision_operators  # noqa: F401  (before transformers and timm)
