"""Every codec and container that PyAV can write is decoded to its true duration and to what was written."""

import numpy as np
import pytest
import soundfile
from audio_files import voice, write_encoded
from scipy.signal import correlate

from sentir.audio.decoding import SAMPLING_RATE, decode, read_media_duration
from sentir.corpus.utterances import Clip

SECONDS = 4.345  # several pages of an Ogg, and not a whole number of frames in any codec

# codec, samples per frame, sampling rate, channels, containers
CODECS = [
    ("pcm_s16le", 1, 16_000, 1, "wav w64 avi matroska nut mov"),
    ("pcm_f32le", 1, 44_100, 2, "wav matroska"),
    ("pcm_u8", 1, 8_000, 1, "wav"),
    ("pcm_s24le", 1, 48_000, 6, "wav"),
    ("pcm_s16be", 1, 22_050, 1, "aiff au caf"),
    ("pcm_mulaw", 1, 8_000, 1, "wav au caf"),
    ("pcm_alaw", 1, 8_000, 1, "wav"),
    ("flac", 4_608, 16_000, 1, "flac"),
    ("flac", 4_608, 48_000, 6, "flac"),
    ("alac", 4_096, 44_100, 2, "ipod caf mov"),
    ("wavpack", 22_050, 44_100, 2, "wv matroska"),
    ("tta", 46_080, 44_100, 2, "tta"),
    ("libopus", 960, 48_000, 1, "ogg matroska webm mp4 mpegts nut"),
    ("libopus", 960, 48_000, 2, "ogg"),
    ("libopus", 960, 16_000, 1, "ogg"),
    ("libmp3lame", 1_152, 44_100, 1, "mp3 wav matroska mp4 avi mpegts"),
    ("libmp3lame", 1_152, 16_000, 1, "mp3 wav"),
    ("mp2", 1_152, 44_100, 2, "mp2 wav mpeg"),
    ("aac", 1_024, 44_100, 1, "adts mp4 ipod mov matroska mpegts flv avi 3gp latm"),
    ("aac", 1_024, 48_000, 6, "mp4"),
    ("ac3", 1_536, 48_000, 2, "ac3 matroska mpeg wav"),
    ("eac3", 1_536, 48_000, 2, "eac3"),
    ("wmav2", 2_048, 44_100, 2, "asf wav avi"),
    ("wmav1", 2_048, 44_100, 2, "asf"),
    ("adpcm_ms", 2_036, 22_050, 1, "wav"),
    ("adpcm_ima_wav", 2_041, 22_050, 1, "wav"),
    ("adpcm_yamaha", 2_048, 22_050, 1, "wav"),
    ("adpcm_swf", 4_096, 22_050, 1, "flv"),
    ("adpcm_ima_qt", 64, 44_100, 1, "mov"),
    ("g726", 320, 8_000, 1, "wav"),
    ("g723_1", 240, 8_000, 1, "wav"),
    ("nellymoser", 256, 22_050, 1, "flv"),
    ("libopencore_amrnb", 160, 8_000, 1, "amr 3gp"),
]
CASES = [(*codec, container) for *codec, containers in CODECS for container in containers.split()]
BIT_RATES = {"wmav1": "128k", "wmav2": "128k", "g723_1": "6300", "libopencore_amrnb": "12200"}  # bits per second
OPUS = [{"frame_duration": duration} for duration in ("2.5", "5", "10", "20", "40", "60")] + [{"vbr": "off"}]


def max_correlation(waveform, written, max_shift):
    """Return the maximum correlation of two waveforms at shifts of up to ``max_shift`` samples."""
    correlation = correlate(waveform, written) / np.sqrt((waveform @ waveform) * (written @ written))
    middle = len(written) - 1
    return correlation[middle - max_shift : middle + max_shift + 1].max()


def assert_decoded(path, rate, frame, *, times=1, min_correlation=0.97):
    """Check that a file is decoded to the voice that was written, within two codec frames, and without notes."""
    decoded = decode(Clip(path))
    written = np.tile(voice(SECONDS)[:, 0], times)
    tolerance = 2 * frame * SAMPLING_RATE / rate if frame > 1 else 1  # codecs prepend a frame or pad the last one
    assert abs(len(decoded.waveform) - len(written)) <= tolerance
    assert max_correlation(decoded.waveform, written, round(tolerance) + SAMPLING_RATE // 50) > min_correlation
    assert decoded.notes == ()
    assert times > 1 or read_media_duration(path) == pytest.approx(
        SECONDS, abs=max(0.1, tolerance / SAMPLING_RATE)
    )
    assert np.array_equal(decode(Clip(path)).waveform, decoded.waveform)  # deterministic


@pytest.mark.parametrize(
    ("codec", "frame", "rate", "channels", "container"),
    CASES,
    ids=[f"{codec}-{container}-{rate}-{channels}" for codec, _frame, rate, channels, container in CASES],
)
def test_a_codec_is_decoded_to_its_true_duration(tmp_path, codec, frame, rate, channels, container):
    options = {"b": BIT_RATES[codec]} if codec in BIT_RATES else {}
    path = write_encoded(tmp_path / "encoded", voice(SECONDS, rate, channels), rate, codec, container, options)
    assert_decoded(path, rate, frame, min_correlation=0.5 if codec in ("g723_1", "libopencore_amrnb") else 0.97)


@pytest.mark.parametrize("options", OPUS, ids=lambda options: " ".join(*options.items()))
def test_opus_with_any_frame_size_is_decoded_to_its_true_duration(tmp_path, options):
    path = write_encoded(tmp_path / "a.opus", voice(SECONDS, 48_000), 48_000, "libopus", "ogg", options)
    assert_decoded(path, 48_000, 2_880)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 1), (48_000, 2)])
def test_ogg_of_soundfile_is_exact(tmp_path, subtype, rate, channels):
    soundfile.write(tmp_path / "a.ogg", voice(SECONDS, rate, channels), rate, format="OGG", subtype=subtype)
    assert_decoded(tmp_path / "a.ogg", rate, 1)


def test_a_file_written_to_a_pipe_is_complete_although_its_header_has_no_length(tmp_path):
    for suffix, codec in (("wav", "pcm_s16le"), ("flac", "flac"), ("mp3", "libmp3lame")):
        content = encode_to_pipe(voice(SECONDS), codec, suffix)
        (tmp_path / f"a.{suffix}").write_bytes(content)
        assert_decoded(tmp_path / f"a.{suffix}", SAMPLING_RATE, 1_152 if suffix == "mp3" else 1)


def encode_to_pipe(waveform, codec, container):
    import av
    from audio_files import encode_track

    class Pipe:
        content = b""

        def write(self, part):
            self.content += bytes(part)
            return len(part)

    pipe = Pipe()
    with av.open(pipe, "w", format=container) as output:
        track = output.add_stream(codec, rate=SAMPLING_RATE, layout="mono")
        output.start_encoding()
        encode_track(output, track, waveform, SAMPLING_RATE)
    return pipe.content


def vorbis(path):
    soundfile.write(path, voice(SECONDS), SAMPLING_RATE, format="OGG", subtype="VORBIS")


def encoder(codec, container, rate=SAMPLING_RATE):
    return lambda path: write_encoded(path, voice(SECONDS, rate), rate, codec, container)


CONCATENATED = {
    "vorbis": (vorbis, 1),
    "opus": (encoder("libopus", "ogg", 48_000), 1),
    "flac": (encoder("flac", "flac"), 1),
    "aac": (encoder("aac", "adts"), 4_096),
    "mp3": (encoder("libmp3lame", "mp3"), 4_608),
}


@pytest.mark.parametrize("kind", CONCATENATED)
def test_concatenated_streams_are_decoded_one_after_the_other(tmp_path, kind):
    write, frame = CONCATENATED[kind]
    write(tmp_path / "one")
    (tmp_path / "two").write_bytes((tmp_path / "one").read_bytes() * 2)
    single, double = decode(Clip(tmp_path / "one")), decode(Clip(tmp_path / "two"))
    assert abs(len(double.waveform) - 2 * len(single.waveform)) <= frame
    if frame == 1:
        assert_decoded(tmp_path / "two", SAMPLING_RATE, 1, times=2)
