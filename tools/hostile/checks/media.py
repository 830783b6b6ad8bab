"""Damaged recordings of every container and codec."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from audio_files import tone, write_encoded, write_mp4

from hostile.mutation import mutate_bytes
from hostile.running import Attempt
from sentir.audio.decoding import decode, read_media_duration
from sentir.audio.memory import clip_from_bytes
from sentir.corpus.utterances import Clip


def prepare(home: Path) -> Attempt:
    """Return an attempt at a damaged recording."""
    seeds = make_recordings(home)
    names = sorted(seeds)
    donors = list(seeds.values())

    def attempt(rng: random.Random, folder: Path) -> str:
        name = rng.choice(names)
        content = mutate_bytes(rng, seeds[name], donors)
        path = folder / name
        path.write_bytes(content)
        clip = Clip(path, *rng.choice(((None, None), (None, None), (0.1, 0.2), (0.25, None), (5.0, 9.0))))
        if rng.random() < 0.3:
            clip = clip_from_bytes(name, content, clip.start, clip.end)
        if rng.random() < 0.2:
            read_media_duration(path)
            return "accepted"
        waveform = decode(clip).waveform
        assert waveform.dtype == np.float32 and np.isfinite(waveform).all()
        return "accepted"

    return attempt


def make_recordings(home: Path) -> dict[str, bytes]:
    """Return name → content of a short recording in each format."""
    import soundfile

    waveform, stereo = tone(0.4), tone(0.4, sampling_rate=44_100, channels=2)
    for name, format, subtype in (
        ("x.wav", "WAV", "PCM_16"), ("f.wav", "WAV", "FLOAT"), ("u.wav", "WAV", "ULAW"), ("d.wav", "RF64",
        "PCM_24"),
        ("x.flac", "FLAC", "PCM_16"), ("x.ogg", "OGG", "VORBIS"), ("x.aiff", "AIFF", "PCM_16"), ("x.caf", "CAF",
        "PCM_16"),
        ("x.mp3", "MP3", "MPEG_LAYER_III"), ("x.au", "AU", "PCM_16"),
    ):  # fmt: skip
        soundfile.write(home / name, waveform, 16_000, format=format, subtype=subtype)
    soundfile.write(home / "s.wav", stereo, 44_100, format="WAV", subtype="PCM_16")
    for name, codec, container in (
        ("x.opus", "libopus", "ogg"), ("x.mka", "libopus", "matroska"), ("x.webm", "libopus", "webm"),
        ("x.avi", "pcm_s16le", "avi"), ("x.w64", "pcm_s16le", "w64"), ("a.mp3", "mp3", "mp3"),
        ("x.mov", "pcm_s16le", "mov"), ("x.mpg", "mp2", "mpeg"), ("x.adts", "aac", "adts"), ("x.flv", "aac",
        "flv"),
    ):  # fmt: skip
        rate = 48_000 if codec == "libopus" else 44_100
        write_encoded(home / name, tone(0.4, sampling_rate=rate), rate, codec, container)
    write_mp4(home / "x.mp4", waveform, 16_000, with_video=True)
    write_mp4(home / "x.m4a", waveform, 16_000)
    write_mp4(home / "x.mkv", waveform, 16_000, container="matroska", with_video=True)
    (home / "x.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXTINF:1,\nx.wav\n#EXT-X-ENDLIST\n")
    (home / "x.ffconcat").write_text("ffconcat version 1.0\nfile x.wav\nfile /etc/passwd\n")
    return {path.name: path.read_bytes() for path in sorted(home.iterdir()) if path.is_file()}
