"""Missing parts of a clip are noted, invalid samples are rejected, and no file takes much memory."""

import os
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from audio_files import encode_track, tone, voice, write_encoded, write_mp4, write_wav
from hypothesis import given
from hypothesis import strategies as st

from sentir.audio import segments
from sentir.audio.decoding import MAX_AMPLITUDE, decode, decode_segments
from sentir.audio.decoding_notes import describe_note_kind, is_data_loss
from sentir.audio.segments import SAMPLING_RATE, TrackBuffer
from sentir.audio.store import attach_audio
from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import AudioError
from sentir.i18n import use_language


def note_kinds(path, start=None, end=None):
    return [note.kind for note in decode(Clip(path, start, end)).notes]


WHOLE = {
    "wav": ("pcm_s16le", "wav"),
    "rf64": ("pcm_s16le", "w64"),
    "aiff": ("pcm_s16be", "aiff"),
    "au": ("pcm_s16be", "au"),
    "caf": ("pcm_s16be", "caf"),
    "flac": ("flac", "flac"),
    "opus": ("libopus", "ogg"),
    "mkv": ("aac", "matroska"),
    "mp3": ("libmp3lame", "mp3"),
    "adpcm": ("adpcm_ms", "wav"),
    "asf": ("wmav2", "asf"),
}


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_of_a_flac_are_compared_with_its_checksum(tmp_path, subtype, channels):
    path = tmp_path / "a.flac"
    samples = np.random.default_rng(0).uniform(-1, 1, (20_000, channels))
    soundfile.write(path, samples, SAMPLING_RATE, subtype=subtype)
    assert note_kinds(path) == []
    content = path.read_bytes()
    path.write_bytes(content[:26] + bytes([content[26] ^ 1]) + content[27:])
    assert note_kinds(path) == ["damaged"] and note_kinds(path, 0.2, 0.5) == []
    path.write_bytes(content[:26] + bytes(16) + content[42:])
    assert note_kinds(path) == [], "an encoder that could not go back to the header"


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_a_flac_that_only_ffmpeg_decodes_is_compared_too(tmp_path, subtype):
    path = tmp_path / "a.flac"
    samples = np.random.default_rng(0).uniform(-1, 1, (20_000, 3))  # of three channels, left to FFmpeg
    soundfile.write(path, samples, SAMPLING_RATE, subtype=subtype)
    assert note_kinds(path) == []
    content = path.read_bytes()
    path.write_bytes(content[:26] + bytes([content[26] ^ 1]) + content[27:])
    assert note_kinds(path) == ["damaged"]


@pytest.mark.parametrize("name", [*WHOLE, "vorbis", "faststart"])
def test_a_truncated_file_is_used_with_a_note(tmp_path, name):
    path = tmp_path / "a"
    if name == "vorbis":
        soundfile.write(
            path, np.random.default_rng(0).normal(0, 0.1, 6 * SAMPLING_RATE), SAMPLING_RATE, format="OGG"
        )
    elif name == "faststart":
        write_mp4(path, voice(6), SAMPLING_RATE, options={"movflags": "faststart"})
    else:
        codec, container = WHOLE[name]
        rate = 48_000 if name == "opus" else SAMPLING_RATE
        write_encoded(path, voice(6, rate), rate, codec, container, {"b": "64k"} if name == "asf" else {})
    assert note_kinds(path) == []
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    decoded = decode(Clip(path))
    assert 1 < len(decoded.waveform) / SAMPLING_RATE < 5
    assert "truncated" in note_kinds(path) and "truncated" in note_kinds(path, 0.2, 5.9)
    assert note_kinds(path, 0.2, 0.8) == []  # it is complete


def test_a_segment_that_ends_beyond_the_end_of_the_file_is_noted(tmp_path):
    path = write_wav(tmp_path / "a.wav", tone(2), SAMPLING_RATE)
    assert note_kinds(path, 1, 2) == note_kinds(path, 1) == note_kinds(path, 1, 2.05) == []
    assert note_kinds(path, 1, 3) == ["shortened"]


def test_numbers_of_notes_and_errors_have_the_decimal_mark_of_the_language(tmp_path):
    path = write_wav(tmp_path / "a.wav", tone(2), SAMPLING_RATE)
    with use_language("es"):
        (note,) = decode(Clip(path, 1, 3.5)).notes
        with pytest.raises(AudioError, match=r"0,0 s.* 1,5 s.*0,025 s"):
            decode(Clip(path, 1.5, 1.5))
        with pytest.raises(AudioError, match=r"2,0 s.*0,2 s.* 1,9 s"):
            decode(Clip(path, 1.9, 2.5))
    assert "3,50 s" in note.text and "2,00 s" in note.text


def test_a_wav_after_a_wav_is_noted(tmp_path):
    content = write_wav(tmp_path / "a.wav", tone(1), SAMPLING_RATE).read_bytes()
    (tmp_path / "two.wav").write_bytes(content * 2)
    assert note_kinds(tmp_path / "two.wav") == ["joined"]
    (tmp_path / "tag.wav").write_bytes(content + b"some tag")
    assert note_kinds(tmp_path / "tag.wav") == []


def test_damage_and_gaps_are_noted_where_they_are(tmp_path):
    path = write_mp4(tmp_path / "a.mp4", tone(4), SAMPLING_RATE, options={"movflags": "faststart"})
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = b"\xff" * 300
    path.write_bytes(content)
    assert "damaged" in note_kinds(path) and note_kinds(path, 0, 0.5) == []
    gap = write_mp4(tmp_path / "gap.mkv", tone(2), SAMPLING_RATE, container="matroska", gap=(1, 2))
    assert note_kinds(gap) == note_kinds(gap, 0.5, 2.5) == ["gaps"] and note_kinds(gap, 0, 0.5) == []
    delayed = write_mp4(tmp_path / "delayed.mp4", tone(2), SAMPLING_RATE, with_video=True, delay=1.0)
    assert note_kinds(delayed) == []  # video may begin before its audio


def two_tracks(path, default):
    import av

    with av.open(str(path), "w", format="matroska") as output:
        tracks = [output.add_stream("pcm_s16le", rate=SAMPLING_RATE, layout="mono") for _n in range(2)]
        for n, track in enumerate(tracks):
            track.disposition = av.stream.Disposition.default if n == default else av.stream.Disposition(0)
        output.start_encoding()
        for hz, track in zip((300, 700), tracks, strict=True):
            encode_track(output, track, tone(1, hz=hz), SAMPLING_RATE)
    return path


@pytest.mark.parametrize("default", [0, 1])
def test_of_several_tracks_the_default_one_is_used_and_named(tmp_path, default):
    decoded = decode(Clip(two_tracks(tmp_path / "a.mkv", default)))
    loudest = np.argmax(np.abs(np.fft.rfft(decoded.waveform))) * SAMPLING_RATE / len(decoded.waveform)
    assert loudest == pytest.approx((300, 700)[default], abs=2)
    (note,) = decoded.notes
    assert note.kind == "tracks" and str(default + 1) in note.text and not is_data_loss(note.kind)


@pytest.mark.parametrize("sample", [np.nan, np.inf, -np.inf, 1e25, -1e25, 2 * MAX_AMPLITUDE])
def test_invalid_samples_reject_only_their_own_segment(tmp_path, sample):
    waveform = tone(2)
    waveform[SAMPLING_RATE // 2] = sample
    soundfile.write(tmp_path / "a.wav", waveform, SAMPLING_RATE, subtype="FLOAT")
    write_wav(tmp_path / "b.wav", tone(1), SAMPLING_RATE)
    first, second = decode_segments(tmp_path / "a.wav", [(0, 1), (1, 2)])
    assert isinstance(first, AudioError) and first.kind == "invalid_samples" and "a.wav" in str(first)
    assert np.array_equal(second.waveform, waveform[SAMPLING_RATE:])
    utterances = attach_audio([Utterance(name, clip=Clip(tmp_path / name)) for name in ("a.wav", "b.wav")])
    assert [u.audio.problem_kind for u in utterances] == ["invalid_samples", ""]


def test_a_float_recording_beyond_full_scale_is_valid(tmp_path):
    soundfile.write(tmp_path / "a.wav", 20 * tone(1), SAMPLING_RATE, subtype="FLOAT")
    assert decode(Clip(tmp_path / "a.wav")).waveform.max() == pytest.approx(10)


def test_a_long_clip_is_cropped_with_a_note(tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "MAX_SECONDS", 3.0)
    waveform = voice(5)[:, 0]
    soundfile.write(tmp_path / "a.wav", waveform, SAMPLING_RATE, subtype="FLOAT")
    for start, end in ((None, None), (1, None), (1, 4.5)):
        decoded = decode(Clip(tmp_path / "a.wav", start, end))
        assert np.array_equal(decoded.waveform, waveform[(start or 0) * SAMPLING_RATE :][: 3 * SAMPLING_RATE])
        assert [note.kind for note in decoded.notes] == ["long"]
    assert note_kinds(tmp_path / "a.wav", 1, 4) == note_kinds(tmp_path / "a.wav", 2) == []


@given(
    st.lists(st.integers(1, 3_000), min_size=1, max_size=20),
    st.lists(st.tuples(st.floats(0, 1), st.none() | st.floats(0, 1)), min_size=1, max_size=4),
)
def test_blocks_of_any_size_give_the_same_segments(sizes, time_ranges):
    waveform = np.random.default_rng(0).normal(0, 0.1, 8_000).astype(np.float32)
    expected, track = TrackBuffer(time_ranges, 8_000, 1), TrackBuffer(time_ranges, 8_000, 1)
    expected.add(waveform)
    start = 0
    while start < len(waveform):
        for size in sizes:
            track.add(waveform[start : start + size])
            start += size
    for one, other in zip(expected.segments, track.segments, strict=True):
        assert np.array_equal(one.waveform, other.waveform) and one.num_samples == other.num_samples


def test_a_long_segment_is_resampled_block_by_block_to_the_same_samples(monkeypatch):
    waveform = np.random.default_rng(0).normal(0, 0.1, 44_100).astype(np.float32)
    waveforms = []
    for pending in (1 << 20, 1_000):
        monkeypatch.setattr(segments, "_MAX_PENDING_SAMPLES", pending)
        track = TrackBuffer([(0.1, None)], 44_100, 1)
        for start in range(0, len(waveform), 700):
            track.add(waveform[start : start + 700])
        waveforms.append(track.segments[0].waveform)
    assert np.array_equal(*waveforms)


@pytest.mark.parametrize("split", ["train", ""])
def test_notes_are_stored_with_the_audio(tmp_path, split):
    path = write_wav(tmp_path / "a.wav", tone(2), SAMPLING_RATE)
    path.write_bytes(path.read_bytes()[:40_000])
    for _again in range(2):
        (utterance,) = attach_audio([Utterance("u", split, clip=Clip(path))])
        assert utterance.audio.note_kinds == ("truncated",) and "2.00 s" in utterance.audio.notes[0]
    assert describe_note_kind("truncated") != "truncated"


def test_impossible_sampling_rates_and_channel_counts_are_rejected_before_anything_is_allocated(tmp_path):
    for rate, channels in ((2.1e9, 1), (1.0, 1), (16_000.0, 1_000)):
        header = struct.pack(">d4sIIIII", rate, b"lpcm", 0, 2 * channels, 1, channels, 16)
        content = b"caff\0\1\0\0desc" + struct.pack(">q", len(header)) + header
        content += b"data" + struct.pack(">qI", 11_004, 0) + bytes(11_000)
        (tmp_path / "a.caf").write_bytes(content)
        with pytest.raises(AudioError, match=r"a\.caf") as caught:
            decode(Clip(tmp_path / "a.caf"))
        assert caught.value.kind == "undecodable"


CHILD = """
import sys
from pathlib import Path
import av, scipy.fft, soundfile, soxr
from sentir.audio.store import attach_audio
from sentir.corpus.utterances import Clip, Utterance

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024

before = peak()
(utterance,) = attach_audio([Utterance("u", clip=Clip(Path(sys.argv[1]), *map(float, sys.argv[2:])))])
print(peak() - before, utterance.audio.seconds, *utterance.audio.note_kinds)
"""


def measure_memory(path, *time_range):
    """Return the memory in MB that decoding a clip takes, its seconds, and its kinds of notes."""
    command = [sys.executable, "-c", CHILD, path, *map(str, time_range)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout.split()
    return int(output[0]), float(output[1]), output[2:]


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from /proc")
def test_no_file_takes_much_memory(tmp_path):
    import av

    packets = []
    with av.open(tmp_path / "gaps.mkv", "w") as output:
        track = output.add_stream("libopus", rate=48_000, layout="mono")
        output.start_encoding()
        frame = av.AudioFrame.from_ndarray(voice(6, 48_000).reshape(1, -1), "flt", "mono")
        frame.sample_rate = 48_000
        packer = av.AudioResampler(track.codec_context.format.name, "mono", 48_000, 960)
        for part in (*packer.resample(frame), *packer.resample(None), None):
            packets += track.encode(part)
        for n, packet in enumerate(packets):
            packet.pts = packet.dts = round(59 * n / packet.time_base)
            output.mux(packet)
    used, seconds, notes = measure_memory(tmp_path / "gaps.mkv")
    assert used < 400 and seconds == 600 and notes == ["long", "gaps"]
    assert measure_memory(tmp_path / "gaps.mkv", 10_000, 10_004)[0] < 50
    with soundfile.SoundFile(tmp_path / "long.wav", "w", SAMPLING_RATE, 1, subtype="PCM_U8") as file:
        for _minute in range(60):
            file.write(tone(60))
    used, seconds, notes = measure_memory(tmp_path / "long.wav")
    assert used < 400 and seconds == 600 and notes == ["long"]
    assert measure_memory(tmp_path / "long.wav", 3_000, 3_004)[0] < 50
