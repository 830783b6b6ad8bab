"""Ogg Opus in parts of any size gives the samples of the whole file; damaged bytes are one sentence."""

import io
import random

import numpy as np
import pytest
import soundfile
from audio_files import encode_opus, tone
from soxr import resample

from sentir.audio.ogg_opus import OggOpusDecoder
from sentir.errors import AudioError


def opus(seconds, channels=1):
    return encode_opus(np.stack([0.4 * tone(seconds, 300 + 200 * n, 48_000) for n in range(channels)]), 48_000)


def decode(content, sizes):
    decoder, at, blocks = OggOpusDecoder(), 0, []
    while at < len(content):
        size = next(sizes)
        blocks += decoder.push(content[at : at + size])
        at += size
    return np.concatenate([*blocks, *decoder.finish()])


def sizes(*some, seed=0):
    rng = random.Random(seed)
    while True:
        yield rng.choice(some)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [0.01, 0.5, 2.7])
def test_the_samples_are_those_of_the_whole_file(channels, seconds):
    content = opus(seconds, channels)
    whole = decode(content, sizes(len(content)))
    assert np.array_equal(decode(content, sizes(1, 30, 700, 9_000)), whole)
    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    expected = resample(samples.mean(axis=1), rate, 16_000)
    assert len(samples) == round(48_000 * seconds)
    assert whole == pytest.approx(expected, abs=1e-5)


def test_a_truncated_stream_gives_what_is_there():
    content = opus(3.0)
    whole, cut = decode(content, sizes(500)), decode(content[: len(content) * 2 // 3], sizes(500))
    assert 16_000 <= len(cut) < len(whole) and cut[:15_000] == pytest.approx(whole[:15_000], abs=1e-6)


CONTENT = opus(0.5)
DAMAGED = {
    "no Ogg": b"RIFF" + CONTENT,
    "no Opus": CONTENT.replace(b"OpusHead", b"\x01vorbis\0"),
    "six channels": CONTENT.replace(b"OpusHead\x01\x01", b"OpusHead\x01\x06"),
    "two streams": CONTENT + CONTENT,
    "without a start": CONTENT[CONTENT.index(b"OggS", 4) :],
    "a page is missing": CONTENT[: CONTENT.index(b"OggS", 4)]
    + CONTENT[CONTENT.rindex(b"OggS") :].replace(b"OggS\0\4", b"OggS\0\5"),
    "a long packet": CONTENT[: CONTENT.index(b"OggS", 4)]
    + b"".join(
        b"OggS\0" + bytes([n > 0]) + CONTENT[6:18] + bytes(8) + b"\xff" + b"\xff" * 255 + bytes(255 * 255)
        for n in range(17)
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_streams_are_one_sentence(name):
    with pytest.raises(AudioError, match=r"send what a recorder writes\.$") as caught:
        decode(DAMAGED[name], sizes(4_000))
    assert caught.value.kind == "undecodable"


def test_no_bytes_make_it_fail_otherwise():
    rng = random.Random(0)
    for _n in range(150):
        damaged = bytearray(CONTENT)
        for _k in range(rng.randint(1, 8)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            samples = decode(bytes(damaged[: rng.randint(1, len(damaged))]), sizes(1_000))
        except AudioError as error:
            assert error.kind == "undecodable"
        else:
            assert np.isfinite(samples).all()
