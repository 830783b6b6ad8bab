"""Exported models: onnxruntime sessions around NumPy arrays, without torch."""
