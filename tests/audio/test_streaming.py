"""Audio in blocks: segments equal those that are decoded on their own, and little is kept."""

import numpy as np
import pytest
from audio_files import write_wav

from sentir.audio.decoding import DecodedAudio, decode, decode_segments
from sentir.audio.streaming import StreamedTrack, stream_array, stream_file
from sentir.corpus.utterances import Clip
from sentir.errors import AudioError


def noise(seconds, rate, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate))).astype(np.float32)


def cut_when_closed(ranges, kept):
    """Return a start of streams that cuts each range as soon as it is over, and forgets what is before it."""
    cuts = {}

    def start(track):
        waiting = sorted(ranges, key=lambda one: one[1])

        def on_block(_block):
            while waiting and waiting[0][1] <= track.seconds:
                one = waiting.pop(0)
                cuts[one] = track.cut(*one)
            track.forget(min((one[0] for one in waiting), default=track.seconds))
            kept.append(sum(len(block) for _o, block, _s in track._kept))

        return on_block

    return start, cuts


@pytest.mark.parametrize(("suffix", "rate"), [("wav", 16_000), ("wav", 44_100), ("flac", 8_000), ("ogg", 22_050)])
def test_segments_equal_those_decoded_alone(suffix, rate, tmp_path):
    import soundfile

    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, noise(80, rate), rate)
    ranges = [(0.0, 1.5), (0.7, 3.25), (1.0001, 41.7), (60.3, 79.99), (79.0, 80.0)]
    kept = []
    start, cuts = cut_when_closed(ranges, kept)
    track = stream_file(path, start)
    assert track.seconds == 80 and track.list_notes() == ()
    for one, expected in zip(ranges, decode_segments(path, ranges), strict=True):
        assert np.array_equal(cuts[one].waveform, expected.waveform), one
        assert cuts[one].sampling_rate == rate and cuts[one].notes == expected.notes
    assert max(kept) <= 42 * rate + (1 << 18)


def test_containers_and_gaps_by_the_other_decoder(tmp_path):
    import av

    path = tmp_path / "a.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=32_000, layout="mono")
        for n, block in enumerate(np.split(noise(4, 32_000), 125)):
            frame = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
            frame.rate, frame.pts = 32_000, n * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    ranges = [(0.5, 1.5), (3.0, 3.5)]
    start, cuts = cut_when_closed(ranges, [])
    stream_file(path, start)
    for one in ranges:
        assert np.array_equal(cuts[one].waveform, decode(Clip(path, *one)).waveform)


def test_an_array_is_like_its_file(tmp_path):
    waveform = noise(3, 16_000)
    path = write_wav(tmp_path / "a.wav", waveform, 16_000)
    start, cuts = cut_when_closed([(0.25, 2.5)], [])
    stream_array(waveform, 16_000, start)
    audio = cuts[0.25, 2.5]
    assert isinstance(audio, DecodedAudio)
    assert np.allclose(audio.waveform, decode(Clip(path, 0.25, 2.5)).waveform, atol=1e-4)


def test_memory_of_a_long_file_is_flat(tmp_path):
    path = write_wav(tmp_path / "a.wav", np.zeros(16_000 * 120, np.float32), 16_000)
    kept = []
    start, cuts = cut_when_closed([(float(n), n + 0.5) for n in range(119)], kept)
    stream_file(path, start)
    assert len(cuts) == 119 and max(kept) <= 1 << 19


def test_unusable_segments_are_errors():
    track = StreamedTrack(__file__, lambda _track: lambda _block: None, 16_000, 1)
    track.add(np.full(16_000, np.nan, np.float32))
    error = track.cut(0.0, 0.5)
    assert isinstance(error, AudioError) and error.kind == "invalid_samples"
    assert track.cut(0.999, 1.0).kind == "too_short"
