"""Exported models: onnxruntime sessions around NumPy arrays, without torch."""

import os

# Read when onnxruntime is imported, which otherwise writes an id of the device into the user's home, and reports.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
