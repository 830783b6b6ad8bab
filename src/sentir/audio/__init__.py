"""Audio: media files → waveforms → mel spectrograms and descriptors, and the store that keeps them."""
