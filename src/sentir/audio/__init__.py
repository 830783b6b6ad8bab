"""Sound: media decoded to waves, waves to mels and measures, and the store that keeps them."""
