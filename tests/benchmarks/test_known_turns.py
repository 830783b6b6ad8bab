"""Recordings of known turns are what they say, and voice activity finds the turns of the demo voices."""

import random
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from sentir.timelines.document import Turn
from sentir.timelines.scoring import score_timelines

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from known_turns import SAMPLING_RATE, KnownClip, demo_clips, make_recording, repeat, trim
from voice_activity import find_turns


@pytest.mark.parametrize("snr", [None, 20.0])
def test_turns_of_the_demo_voices_are_found(snr):
    pytest.importorskip("espeakng_loader")
    clips = demo_clips(6)
    waveform, turns = make_recording(clips, random.Random(0), np.random.default_rng(0), snr)
    assert [turn.labels for turn in turns] == [(clip.label,) for clip in clips]
    first = trim(clips[0].load())
    assert turns[0].seconds == pytest.approx(len(first) / SAMPLING_RATE)
    if snr is None:
        assert waveform[SAMPLING_RATE:][: len(first)] == pytest.approx(first, abs=1e-3)
    spoken = [Turn(turn.start, turn.end, labels=("speech",)) for turn in turns]
    found = [Turn(*times, labels=("speech",)) for times in find_turns(waveform, "silero")]
    scores = score_timelines([(spoken, found)]).scores
    assert len(found) == len(turns)
    assert scores["missed"].value < 0.02 and scores["speech_error"].value < 0.2  # turns are padded


def test_an_hour_repeats_all_clips_equally():
    clips = [KnownClip(lambda: np.full(SAMPLING_RATE, 0.1, np.float32), label) for label in "abc"]
    drawn = [clip.label for clip in islice(repeat(clips, random.Random(1)), 30)]
    assert all(set(drawn[n : n + 3]) == set("abc") for n in range(0, 30, 3))
    some, rng = repeat(clips, random.Random(1)), random.Random(2)
    waveform, turns = make_recording(some, rng, np.random.default_rng(0), seconds=60)
    assert 60 <= len(waveform) / SAMPLING_RATE < 64 and 20 <= len(turns) <= 40
