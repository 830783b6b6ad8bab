"""Recordings of known turns: clips of a corpus or lines of the demo voices, with silences and noise between them.

The true ends of a turn are where its clean clip is within 35 dB of its peak, averaged over 25 ms.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from sentir.audio.decoding import SAMPLING_RATE, decode
from sentir.demo.script import generate_timed_conversations
from sentir.demo.voice import VOICE_SAMPLING_RATE, ScriptLine, synthesize
from sentir.evaluation.locked.ledger import get_labels, open_test
from sentir.timelines.document import Turn

_WINDOW = 400  # samples: 25 ms
_NOISE_BLOCK = 1 << 20  # samples at a time
_LEAST_POWER = 10**-3.5  # of the loudest window's


class KnownClip(NamedTuple):
    """A clip and the label of what is said in it."""

    load: Callable[[], np.ndarray]
    label: str


def corpus_clips(corpus, split, reason=""):
    """Return the clips of a split with their labels; those of test are counted in the ledger."""
    labels = open_test(corpus, reason=reason) if split == "test" else get_labels(corpus, split)
    task = next(iter(next(iter(labels.values()))))
    return [
        KnownClip(lambda clip=u.clip: decode(clip).waveform, labels[u.id][task][0])
        for u in corpus.split(split)
        if u.clip is not None
    ]


def demo_clips(count, split="dev"):
    """Return the first lines of the demo conversations, spoken as in the demo MELD."""
    clips = []
    for n, conversation in enumerate(generate_timed_conversations(split)):
        for k, (turn, (start, end)) in enumerate(zip(conversation.turns, conversation.times, strict=True)):
            affect = turn.affect
            line = ScriptLine(
                f"known/{n}/{k}", turn.text, turn.speaker, {affect.emotion: 1.0}, (end - start) / 1000
            )
            clips.append(KnownClip(lambda line=line: _speak(line), affect.emotion))
            if len(clips) == count:
                return clips
    return clips


def _speak(line):
    from soxr import resample

    return resample(synthesize(line), VOICE_SAMPLING_RATE, SAMPLING_RATE)


def repeat(clips, rng) -> Iterator[KnownClip]:
    """Yield clips in random order without end, each as often as the others."""
    while True:
        yield from rng.sample(clips, len(clips))


def make_recording(clips: Sequence[KnownClip] | Iterator[KnownClip], rng, noise, snr=None, seconds=float("inf")):
    """Return a waveform and its turns: clips without their silences, with 0.5 to 2 s between them.

    Args:
        clips: in order; used until there is ``seconds`` of audio.
        rng, noise: `random.Random` of the silences and `numpy.random.Generator` of the noise.
        snr: of white noise to the mean power of all turns, in dB; by default it is at -80 dB of full scale.
        seconds: that are enough.
    """
    parts, turns, position = [np.zeros(SAMPLING_RATE, np.float32)], [], SAMPLING_RATE
    for clip in clips:
        speech = trim(clip.load())
        silence = np.zeros(round(rng.uniform(0.5, 2.0) * SAMPLING_RATE), np.float32)
        end = position + len(speech)
        turns.append(Turn(position / SAMPLING_RATE, end / SAMPLING_RATE, labels=(clip.label,)))
        parts += [speech, silence]
        position = end + len(silence)
        if position >= seconds * SAMPLING_RATE:
            break
    waveform = np.concatenate(parts)
    level = 1e-4 if snr is None else float(np.sqrt(np.mean(waveform[waveform != 0] ** 2))) * 10 ** (-snr / 20)
    for start in range(0, len(waveform), _NOISE_BLOCK):
        block = waveform[start : start + _NOISE_BLOCK]
        block += level * noise.standard_normal(len(block))
    return waveform, turns


def trim(waveform):
    """Return a clip without the silence before and after its speech."""
    power = np.convolve(waveform**2, np.ones(_WINDOW) / _WINDOW, "same")
    active = np.flatnonzero(power > power.max() * _LEAST_POWER)
    return waveform[max(0, active[0] - _WINDOW) : active[-1] + _WINDOW]
