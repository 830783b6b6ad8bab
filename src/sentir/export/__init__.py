"""Trained networks → ONNX graphs, with proof that they predict the same."""
