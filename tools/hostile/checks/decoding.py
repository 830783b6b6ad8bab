"""Damaged recordings, decoded by Sentir and by FFmpeg's program: where both decode, the samples agree.

Only formats whose samples do not depend on the decoder, mono at 16 kHz, so that nothing is resampled.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import numpy as np

from hostile.checks.media import make_recordings
from hostile.mutation import mutate_bytes
from hostile.running import Attempt
from sentir.audio.decoding import SAMPLING_RATE, decode
from sentir.corpus.utterances import Clip
from sentir.errors import AudioError

STARTS_PROCESSES = True
_COMPARED = ("x.wav", "f.wav", "u.wav", "x.flac", "x.aiff", "x.caf", "x.au", "x.w64")
_TOLERANCE = 2e-4  # of full scale, between versions of FFmpeg and libsndfile


def prepare(home: Path) -> Attempt:
    """Return an attempt that compares the decoders; FFmpeg's must be installed."""
    seeds = {name: content for name, content in make_recordings(home).items() if name in _COMPARED}

    def attempt(rng: random.Random, folder: Path) -> str:
        name = rng.choice(sorted(seeds))
        path = folder / name
        path.write_bytes(mutate_bytes(rng, seeds[name]))
        theirs = _decode_with_ffmpeg(path)
        try:
            decoded = decode(Clip(path))
        except AudioError as error:
            return "both refuse" if theirs is None else f"only FFmpeg decodes: {error.kind}"
        if theirs is None:
            return "only Sentir decodes"
        if decoded.sampling_rate != SAMPLING_RATE or decoded.channels != 1:
            return "resampled"
        shared = min(len(decoded.waveform), len(theirs))
        differ = not np.allclose(decoded.waveform[:shared], theirs[:shared], rtol=0, atol=_TOLERANCE)
        assert not differ or decoded.notes, "samples differ, and no note says that the file is damaged"
        if differ:
            return "differ, with a note"
        return "equal" if len(decoded.waveform) == len(theirs) else "equal until the end of one"

    return attempt


def _decode_with_ffmpeg(path: Path) -> np.ndarray | None:
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-map", "0:a:0", "-f", "f32le", "-"]
    done = subprocess.run(command, capture_output=True, timeout=60)
    samples = np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], np.float32)
    return samples if len(samples) > 400 and np.isfinite(samples).all() else None
