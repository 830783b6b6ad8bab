"""Recordings and conversations → turns with their predictions, in one document and many formats."""
