"""Short clips for the tests of readers and of ``sentir predict``."""

from pathlib import Path

from audio_files import tone, write_mp4, write_wav


def write_clip(path: Path, seconds: float = 0.5) -> Path:
    """Write a tone into a folder made if need be: an ``.mp4`` of six channels, as most of MELD's, or a WAV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".mp4":
        return write_mp4(path, tone(seconds, sampling_rate=48_000, channels=6), 48_000)
    return write_wav(path, tone(seconds), 16_000)
