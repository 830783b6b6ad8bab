"""Waveforms → compressed audio for browsers."""

from __future__ import annotations

import io

import numpy as np

from sentir.audio.decoding import SAMPLING_RATE, Waveform

_AUDIO_FORMATS = {  # smallest first; format → subtype and media type
    "MP3": ("MPEG_LAYER_III", "audio/mpeg"),
    "OGG": ("VORBIS", "audio/ogg"),
    "WAV": ("PCM_16", "audio/wav"),
}


def encode_audio(waveform: Waveform) -> tuple[str, bytes]:
    """Encode 16 kHz audio for a browser, and return its media type and content."""
    import soundfile

    available = soundfile.available_formats()
    name = next(name for name in _AUDIO_FORMATS if name in available)
    subtype, media_type = _AUDIO_FORMATS[name]
    file = io.BytesIO()
    soundfile.write(file, np.clip(waveform, -1, 1), SAMPLING_RATE, format=name, subtype=subtype)
    return media_type, file.getvalue()
