"""Decoding: all formats, sampling rates, channel counts and segments, and damaged or unusual files."""

import os

import numpy as np
import pytest
import soundfile
from audio_files import tone, voice, write_mp4, write_wav
from hypothesis import given
from hypothesis import strategies as st

from sentir.audio.decoding import MEDIA_SUFFIXES, SAMPLING_RATE, decode, decode_segments, read_media_duration
from sentir.corpus.utterances import Clip
from sentir.errors import AudioError

FORMATS = {"wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III"}


def error_kind(path, start=None, end=None):
    """Return the kind of error of a file that cannot be decoded; its message must name the file."""
    with pytest.raises(AudioError) as caught:
        decode(Clip(path, start, end))
    assert str(path) in str(caught.value)
    return caught.value.kind


def loudest_hz(waveform):
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    return np.argmax(spectrum) * SAMPLING_RATE / len(waveform)


def peak(waveform, start, end):
    return np.abs(waveform[round(start * SAMPLING_RATE) : round(end * SAMPLING_RATE)]).max()


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_any_sampling_rate_and_channel_count_becomes_mono_at_16_khz(tmp_path, rate, channels):
    path = write_wav(tmp_path / "tone.wav", tone(1, sampling_rate=rate, channels=channels), rate)
    decoded = decode(Clip(path))
    assert (decoded.sampling_rate, decoded.channels) == (rate, channels)
    assert decoded.waveform.dtype == np.float32 and decoded.waveform.shape == (SAMPLING_RATE,)
    loudness = {1: 1, 2: 1, 6: 1 + 2 * 0.7071 + 2 * 0.5}[channels]  # the center keeps its level, the others add
    assert np.abs(decoded.waveform / loudness - tone(1))[1000:-1000].max() < 2e-3


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_wav_flac_ogg_and_mp3_keep_the_tone_and_its_duration(tmp_path, suffix, rate):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone(2, sampling_rate=rate, channels=2), rate, subtype=FORMATS[suffix])
    waveform = decode(Clip(path)).waveform
    assert abs(len(waveform) - 2 * SAMPLING_RATE) <= 1
    assert loudest_hz(waveform) == pytest.approx(440, abs=1)
    assert np.abs(waveform[1000:-1000] - tone(2)[1000 : len(waveform) - 1000]).max() < 0.05


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska", "mpegts", "adts"])
@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_containers_with_aac_of_up_to_eight_channels_decode(tmp_path, container, channels):
    path = write_mp4(
        tmp_path / "clip", tone(2, sampling_rate=48_000, channels=channels), 48_000, container=container
    )
    decoded = decode(Clip(path))
    assert (decoded.sampling_rate, decoded.channels) == (48_000, channels)
    assert len(decoded.waveform) / SAMPLING_RATE == pytest.approx(2, abs=0.06)
    assert loudest_hz(decoded.waveform) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_every_sample_format_has_the_same_full_scale(tmp_path, subtype):
    soundfile.write(tmp_path / "tone.wav", tone(1), SAMPLING_RATE, subtype=subtype)
    assert np.abs(decode(Clip(tmp_path / "tone.wav")).waveform - tone(1)).max() < 0.02


def test_the_priming_samples_of_aac_do_not_shift_the_audio(tmp_path):
    waveform = np.zeros(SAMPLING_RATE, np.float32)
    waveform[8_000:] = tone(0.5, hz=1_000)
    decoded = decode(Clip(write_mp4(tmp_path / "clip.mp4", waveform, SAMPLING_RATE))).waveform
    assert np.argmax(np.abs(decoded) > 0.2) == pytest.approx(8_000, abs=80)


def test_audio_that_begins_after_its_video_or_has_a_gap_keeps_its_times(tmp_path):
    delayed = write_mp4(tmp_path / "delayed.mp4", tone(2), SAMPLING_RATE, with_video=True, delay=1.0)
    waveform = decode(Clip(delayed)).waveform
    assert peak(waveform, 0, 0.9) < 0.01 < 0.4 < peak(waveform, 1.2, 1.4)
    assert read_media_duration(delayed) == pytest.approx(3, abs=0.07) == len(waveform) / SAMPLING_RATE
    path = write_mp4(tmp_path / "gap.mkv", tone(2), SAMPLING_RATE, container="matroska", gap=(1, 2))
    waveform = decode(Clip(path)).waveform
    assert peak(waveform, 1.2, 1.8) < 0.01 < 0.4 < min(peak(waveform, 0.5, 0.9), peak(waveform, 2.2, 2.9))


@pytest.mark.parametrize("write", [write_wav, write_mp4])
def test_six_channels_are_mixed_with_the_center_loudest_and_without_lfe(tmp_path, write):
    def mixed_rms(channel):
        waveform = np.zeros((SAMPLING_RATE, 6), np.float32)
        waveform[:, channel] = tone(1)
        decoded = decode(Clip(write(tmp_path / "clip", waveform, SAMPLING_RATE))).waveform
        return np.sqrt(np.mean(decoded[2000:-2000] ** 2))

    mono = np.sqrt(np.mean(tone(1) ** 2))
    left, right, center, lfe, left_back, right_back = (mixed_rms(channel) / mono for channel in range(6))
    assert lfe < 1e-3
    assert [left / center, right / center] == pytest.approx([0.7071, 0.7071], abs=0.02)
    assert [left_back / center, right_back / center] == pytest.approx([0.5, 0.5], abs=0.02)
    assert center == pytest.approx(1, abs=0.02)


def test_without_a_center_channels_are_averaged_and_a_single_lfe_channel_is_kept(tmp_path):
    from sentir.audio.downmix import _channel_weights

    for layout in ("mono", "stereo", "quad", "3 channels", "12 channels"):
        assert _channel_weights(layout).sum() == pytest.approx(1)
        assert (_channel_weights(layout) >= 0).all()
    assert list(_channel_weights("1 channels (LFE)")) == [1]
    assert list(_channel_weights("stereo")) == list(_channel_weights("2 channels")) == [0.5, 0.5]


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """A path with three seconds of noise at 16 kHz, and the noise."""
    path = tmp_path_factory.mktemp("noise") / "noise.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.9, 0.9, 3 * SAMPLING_RATE), SAMPLING_RATE)
    return path, decode(Clip(path)).waveform


@given(st.lists(st.tuples(st.none() | st.floats(-1, 5), st.none() | st.floats(-1, 5)), max_size=4))
def test_a_segment_is_a_slice_of_the_whole_decoding_or_an_error(noise, time_ranges):
    path, whole = noise
    results = decode_segments(path, time_ranges)
    assert len(results) == len(time_ranges)
    for (start, end), result in zip(time_ranges, results, strict=True):
        first = round(max(start or 0, 0) * SAMPLING_RATE)
        expected = whole[first : None if end is None else round(max(end, 0) * SAMPLING_RATE)]
        if isinstance(result, AudioError):
            beyond = end is None or round(end * SAMPLING_RATE) > len(whole)
            assert len(expected) < (0.2 * SAMPLING_RATE if beyond else 400)
            assert result.kind == "out_of_range" if beyond else result.kind == "too_short"
        else:
            assert np.array_equal(result.waveform, expected)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("suffix", [*FORMATS, "mp4"])
def test_segments_of_resampled_and_compressed_files_keep_their_positions(tmp_path, rate, suffix):
    path = tmp_path / f"sweep.{suffix}"
    sweep = 0.4 * np.sin(2 * np.pi * (200 + 300 * np.arange(2 * rate) / rate) * np.arange(2 * rate) / rate)
    write_mp4(path, sweep, rate) if suffix == "mp4" else soundfile.write(path, sweep, rate)
    whole, segment = decode_segments(path, [(None, None), (0.5, 1.25)])
    assert len(segment.waveform) == 0.75 * SAMPLING_RATE
    assert np.abs(segment.waveform - whole.waveform[8_000:20_000])[200:-200].max() < 1e-3


def test_a_start_before_0_is_0_and_an_end_beyond_the_file_is_its_end(noise):
    path, whole = noise
    early, late = decode_segments(path, [(-0.49, 1.0), (2.0, 99.0)])
    assert np.array_equal(early.waveform, whole[:SAMPLING_RATE])
    assert np.array_equal(late.waveform, whole[2 * SAMPLING_RATE :])


def test_less_than_a_fifth_of_a_second_before_the_end_of_the_file_is_outside(noise):
    path, _whole = noise
    assert [error_kind(path, 2.9), error_kind(path, 2.9, 4.0), error_kind(path, 7.0, 8.0)] == ["out_of_range"] * 3
    assert len(decode(Clip(path, 2.75, 4.0)).waveform) == SAMPLING_RATE // 4
    assert len(decode(Clip(path, 1.0, 1.1)).waveform) == SAMPLING_RATE // 10


def test_shorter_than_one_window_is_too_short_at_any_sampling_rate(tmp_path, noise):
    assert (
        error_kind(noise[0], 1.0, 1.0)
        == error_kind(noise[0], 2.0, 1.0)
        == error_kind(noise[0], 0.0, 0.0)
        == "too_short"
    )
    for rate in (8_000, 16_000, 44_100, 48_000):
        shortest = int(np.ceil(rate / 40))
        assert (
            len(
                decode(Clip(write_wav(tmp_path / "a.wav", tone(1, sampling_rate=rate)[:shortest], rate))).waveform
            )
            >= 400
        )
        assert (
            error_kind(write_wav(tmp_path / "b.wav", tone(1, sampling_rate=rate)[: shortest - 1], rate))
            == "too_short"
        )
    assert len(decode(Clip(write_wav(tmp_path / "c.wav", tone(0.05), SAMPLING_RATE))).waveform) == 800


@pytest.mark.parametrize("samples", [4_095, 4_096, 4_097, 11_025])
def test_alac_in_caf_has_all_of_its_samples(samples, tmp_path):
    path = tmp_path / "a.caf"
    written = voice(1)[:samples, 0]
    soundfile.write(path, written, SAMPLING_RATE, subtype="ALAC_16")
    whole = decode(Clip(path))
    assert whole.notes == () and read_media_duration(path) == samples / SAMPLING_RATE
    np.testing.assert_allclose(whole.waveform, written, atol=1e-4)
    part = decode(Clip(path, 0.1, 0.2)).waveform
    np.testing.assert_array_equal(part, whole.waveform[1_600:3_200])


def test_a_last_vorbis_packet_of_negative_duration_is_no_missing_audio(tmp_path):
    path = tmp_path / "a.ogg"
    soundfile.write(path, voice(0.5, 8_000, channels=3), 8_000, subtype="VORBIS")
    assert decode(Clip(path)).notes == () and 0.49 < read_media_duration(path) < 0.55


def test_silence_decodes_to_zeros(tmp_path):
    waveform = decode(
        Clip(write_mp4(tmp_path / "silent.mp4", np.zeros((SAMPLING_RATE, 2)), SAMPLING_RATE))
    ).waveform
    assert len(waveform) >= SAMPLING_RATE and not waveform.any()


@pytest.mark.parametrize("name", ["clip.mp3", "clip.raw", "clip.txt", "clip", "clip.mp4"])
def test_a_format_is_detected_by_content_not_by_name(tmp_path, name):
    expected = decode(Clip(write_wav(tmp_path / "clip.wav", tone(1), SAMPLING_RATE))).waveform
    assert np.array_equal(decode(Clip(write_wav(tmp_path / name, tone(1), SAMPLING_RATE))).waveform, expected)
    assert loudest_hz(
        decode(Clip(write_mp4(tmp_path / "aac.wav", tone(1), SAMPLING_RATE))).waveform
    ) == pytest.approx(440, abs=1)


@pytest.mark.parametrize(
    "name", ["-3g5yACwYnA.wav", "niña 😀 .wav", "http:x.wav", "concat:a|b.wav", "file:x.wav", "-"]
)
def test_no_name_is_parsed_as_an_option_or_a_url(tmp_path, monkeypatch, name):
    if os.name == "nt" and set(name) & set(":|"):
        pytest.skip("Windows has no such names")
    monkeypatch.chdir(tmp_path)
    write_wav(tmp_path / name, tone(1), SAMPLING_RATE)
    relative = type(tmp_path)(name)
    assert len(decode(Clip(relative)).waveform) == SAMPLING_RATE
    assert read_media_duration(relative) == 1.0


def test_missing_empty_and_foreign_files_have_their_kinds_of_error(tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("no audio at all\n" * 50)
    (tmp_path / "random.mp4").write_bytes(np.random.default_rng(0).bytes(20_000))
    assert error_kind(tmp_path / "nowhere.wav") == error_kind(tmp_path) == "missing"
    assert error_kind(tmp_path / "empty.wav") == "empty"
    assert error_kind(tmp_path / "text.wav") == error_kind(tmp_path / "random.mp4") == "undecodable"


def test_one_error_is_returned_for_every_segment_and_raised_for_the_duration(tmp_path):
    errors = decode_segments(tmp_path / "nowhere.wav", [(0, 1), (1, 2), (None, None)])
    assert [error.kind for error in errors] == ["missing"] * 3
    with pytest.raises(AudioError, match="nowhere"):
        read_media_duration(tmp_path / "nowhere.wav")


def test_an_unknown_codec_is_undecodable(tmp_path):
    content = bytearray(write_wav(tmp_path / "a.wav", tone(0.5), 16_000).read_bytes())
    content[34] = 53  # bits per sample
    (tmp_path / "a.wav").write_bytes(content)
    assert error_kind(tmp_path / "a.wav") == "undecodable"


def test_a_video_without_audio_track_has_no_audio(tmp_path):
    import av

    with av.open(tmp_path / "mute.mp4", "w") as output:
        video = output.add_stream("mpeg4", rate=10)
        video.width = video.height = 64
        for _number in range(5):
            output.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        output.mux(video.encode(None))
    assert error_kind(tmp_path / "mute.mp4") == "no_audio"


def test_the_decodable_part_of_a_truncated_file_is_used(tmp_path):
    rate = 16_000
    whole = {
        "wav": tone(4),
        "flac": tone(4),
        "ogg": np.random.default_rng(0).normal(0, 0.1, 4 * rate),
        "mp3": tone(4),
    }
    for suffix, waveform in whole.items():
        soundfile.write(tmp_path / f"a.{suffix}", waveform, rate)
    write_mp4(tmp_path / "a.mp4", tone(4), rate, options={"movflags": "faststart"})
    for suffix in [*whole, "mp4"]:
        path = tmp_path / f"a.{suffix}"
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        assert 0.8 < len(decode(Clip(path)).waveform) / rate < 3, suffix  # Ogg loses a page of 0.9 s
        assert error_kind(path, 3.5, 4.0) == "out_of_range", suffix


def test_a_truncated_mp4_without_its_index_is_undecodable(tmp_path):
    path = write_mp4(tmp_path / "a.mp4", tone(2), SAMPLING_RATE)
    path.write_bytes(path.read_bytes()[:-200])
    assert error_kind(path) == "undecodable"


def test_a_damaged_packet_is_skipped(tmp_path):
    path = write_mp4(tmp_path / "a.mp4", tone(4), SAMPLING_RATE, options={"movflags": "faststart"})
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = b"\xff" * 300
    path.write_bytes(content)
    waveform = decode(Clip(path)).waveform
    assert len(waveform) / SAMPLING_RATE == pytest.approx(4, abs=0.3)
    assert peak(waveform, 0.5, 1) > 0.4 and peak(waveform, 3, 3.5) > 0.4


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_samples_that_are_not_finite_reject_only_their_own_segment(tmp_path, number):
    waveform = tone(2)
    waveform[SAMPLING_RATE // 2] = number
    soundfile.write(tmp_path / "a.wav", waveform, SAMPLING_RATE, subtype="FLOAT")
    assert error_kind(tmp_path / "a.wav") == error_kind(tmp_path / "a.wav", 0, 1) == "invalid_samples"
    assert np.array_equal(decode(Clip(tmp_path / "a.wav", 1, 2)).waveform, waveform[SAMPLING_RATE:])


def test_an_impossible_sampling_rate_is_undecodable(tmp_path):
    assert error_kind(write_wav(tmp_path / "a.wav", tone(1), 100)) == "undecodable"


def test_a_playlist_cannot_open_another_file(tmp_path):
    write_wav(tmp_path / "secret.wav", tone(1), SAMPLING_RATE)
    (tmp_path / "list.wav").write_text("ffconcat version 1.0\nfile secret.wav\n")
    assert error_kind(tmp_path / "list.wav") == "undecodable"


def test_text_in_a_foreign_encoding_inside_a_file_does_no_harm(tmp_path):
    with soundfile.SoundFile(tmp_path / "a.wav", "w", SAMPLING_RATE, 1) as file:
        file.title = "TITLE"
        file.write(tone(1))
    content = (tmp_path / "a.wav").read_bytes()
    assert b"TITLE" in content
    (tmp_path / "a.wav").write_bytes(content.replace(b"TITLE", b"T\xcdTLE"))
    assert len(decode(Clip(tmp_path / "a.wav")).waveform) == SAMPLING_RATE


@pytest.mark.parametrize("suffix", [*FORMATS, "mp4"])
def test_the_duration_read_from_packets_is_that_of_the_decoded_audio(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    write_mp4(path, tone(2.5), SAMPLING_RATE) if suffix == "mp4" else soundfile.write(
        path, tone(2.5), SAMPLING_RATE
    )
    assert path.suffix in MEDIA_SUFFIXES
    assert read_media_duration(path) == pytest.approx(2.5, abs=0.1)
    assert read_media_duration(path) == pytest.approx(len(decode(Clip(path)).waveform) / SAMPLING_RATE, abs=0.1)


@pytest.mark.shared_data
def test_real_speech_equals_what_soundfile_decodes(shared_data):
    paths = sorted((shared_data / "ravdess").rglob("*.ogg"))[::200]
    assert len(paths) > 5
    for path in paths:
        expected, rate = soundfile.read(path, dtype="float32")
        assert rate == SAMPLING_RATE
        assert np.abs(decode(Clip(path)).waveform - expected).max() < 1e-5
