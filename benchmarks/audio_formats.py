"""Whether audio is decoded to its true length: every codec and container that FFmpeg writes, against FFmpeg.

FFmpeg encodes a synthetic voice with each codec, container, sampling rate, number of channels and frame option
below; Sentir and FFmpeg decode it. Printed are the duration of the voice and both decoded durations, by how many
codec frames Sentir differs from FFmpeg, and the correlation of the two waveforms. Of concatenated Ogg streams
FFmpeg decodes each by itself. Formats that a build of FFmpeg cannot encode are listed separately.

FFmpeg is searched on the PATH, or given by ``--ffmpeg``. The exit code is 1 if a format is off by more than a
frame, has a low correlation, or is reported as truncated.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from sentir.audio.decoding import SAMPLING_RATE, decode
from sentir.corpus.utterances import Clip
from sentir.errors import AudioError

SECONDS = 4.345  # not a whole number of frames in any codec
MIN_CORRELATION = 0.98  # FFmpeg 5 rounds ADPCM differently


@dataclass(frozen=True)
class AudioFormat:
    """One way to encode audio.

    Attributes:
        muxer: FFmpeg's name of the container.
        codec: FFmpeg's name of the encoder.
        frame_size: samples per channel of one codec frame, 1 for uncompressed samples.
        options: further options of FFmpeg.
        num_parts: how many such files are concatenated.
        is_piped: whether the file is written to a pipe, so that its header lacks the length.
    """

    muxer: str
    codec: str
    sampling_rate: int
    channels: int
    frame_size: int = 1
    options: tuple[str, ...] = ()
    num_parts: int = 1
    is_piped: bool = False

    def __str__(self) -> str:
        more = (
            ["piped"] * self.is_piped + [f"{self.num_parts} joined"] * (self.num_parts > 1) + list(self.options)
        )
        return (
            f"{self.codec} in {self.muxer}, {self.sampling_rate} Hz, {self.channels} ch {' '.join(more)}".strip()
        )


def audio_formats() -> Iterator[AudioFormat]:
    """Yield every format."""
    yield from _uncompressed()
    yield from _lossless()
    yield from _opus_and_vorbis()
    yield from _mpeg()
    yield from _speech()


def _uncompressed() -> Iterator[AudioFormat]:
    for codec in (
        "pcm_u8",
        "pcm_s16le",
        "pcm_s24le",
        "pcm_s32le",
        "pcm_f32le",
        "pcm_f64le",
        "pcm_alaw",
        "pcm_mulaw",
    ):
        yield AudioFormat("wav", codec, 16_000, 1)
    for rate, channels in ((8_000, 1), (22_050, 2), (44_100, 2), (48_000, 6), (96_000, 8)):
        yield AudioFormat("wav", "pcm_s16le", rate, channels)
    for muxer in ("w64", "mov", "avi", "matroska", "nut"):
        yield AudioFormat(muxer, "pcm_s16le", 44_100, 2)
    for muxer in ("aiff", "au", "caf"):
        yield AudioFormat(muxer, "pcm_s16be", 44_100, 2)
    yield AudioFormat("wav", "pcm_s16le", 16_000, 1, options=("-rf64", "always"))
    for muxer in ("wav", "au"):
        yield AudioFormat(muxer, "pcm_s16le" if muxer == "wav" else "pcm_s16be", 16_000, 1, is_piped=True)


def _lossless() -> Iterator[AudioFormat]:
    for rate, channels in ((16_000, 1), (44_100, 2), (48_000, 6)):
        yield AudioFormat("flac", "flac", rate, channels, 4_608)
    yield AudioFormat("flac", "flac", 16_000, 1, 4_608, is_piped=True)
    for muxer in ("ogg", "matroska", "mp4"):
        yield AudioFormat(muxer, "flac", 44_100, 2, 4_608, ("-strict", "-2"))
    for muxer in ("ipod", "caf", "mov"):
        yield AudioFormat(muxer, "alac", 44_100, 2, 4_096)
    for muxer, codec, frame in (("wv", "wavpack", 22_050), ("tta", "tta", 46_080), ("truehd", "truehd", 40)):
        yield AudioFormat(muxer, codec, 44_100, 2, frame, ("-strict", "-2"))


def _opus_and_vorbis() -> Iterator[AudioFormat]:
    for duration in ("2.5", "5", "10", "20", "40", "60"):
        frame = round(48 * float(duration))
        yield AudioFormat("ogg", "libopus", 48_000, 1, frame, ("-frame_duration", duration))
    for channels in (2, 6):
        yield AudioFormat("ogg", "libopus", 48_000, channels, 960)
    for options in (("-page_duration", "20000"), ("-page_duration", "5000000"), ("-vbr", "off")):
        yield AudioFormat("ogg", "libopus", 48_000, 1, 960, options)
    for rate in (8_000, 16_000, 24_000):
        yield AudioFormat("ogg", "libopus", rate, 1, 960)
    for muxer in ("matroska", "webm", "mp4", "mpegts", "caf", "nut"):
        yield AudioFormat(muxer, "libopus", 48_000, 1, 960, ("-strict", "-2"))
    yield AudioFormat("ogg", "libopus", 48_000, 1, 960, num_parts=2)
    for rate, channels in ((8_000, 1), (16_000, 1), (44_100, 2), (48_000, 6)):
        yield AudioFormat("ogg", "libvorbis", rate, channels, 2_048)
    yield AudioFormat("ogg", "libvorbis", 16_000, 1, 2_048, ("-page_duration", "20000"))
    yield AudioFormat("ogg", "libvorbis", 16_000, 1, 2_048, num_parts=2)
    yield AudioFormat("ogg", "flac", 16_000, 1, 4_608, num_parts=2)
    for muxer in ("matroska", "webm"):
        yield AudioFormat(muxer, "libvorbis", 44_100, 2, 2_048)


def _mpeg() -> Iterator[AudioFormat]:
    for rate, channels in ((8_000, 1), (16_000, 1), (22_050, 2), (44_100, 2), (48_000, 1)):
        yield AudioFormat("mp3", "libmp3lame", rate, channels, 1_152)
    for options in (("-q:a", "2"), ("-q:a", "9"), ("-write_xing", "0"), ("-b:a", "32k"), ("-id3v2_version", "0")):
        yield AudioFormat("mp3", "libmp3lame", 44_100, 1, 1_152, options)
    for muxer in ("wav", "matroska", "mp4", "avi", "mpegts", "ogg", "caf", "aiff"):
        yield AudioFormat(muxer, "libmp3lame", 44_100, 1, 1_152, ("-q:a", "4"))
    yield AudioFormat("mp3", "libmp3lame", 44_100, 1, 1_152, num_parts=2)
    for muxer in ("mp2", "wav", "mpeg"):
        yield AudioFormat(muxer, "mp2", 44_100, 2, 1_152)
    for muxer in ("adts", "mp4", "ipod", "mov", "matroska", "mpegts", "flv", "wav", "avi", "caf", "3gp", "latm"):
        yield AudioFormat(muxer, "aac", 44_100, 1, 1_024, ("-strict", "-2"))
    for rate, channels in ((8_000, 1), (16_000, 1), (48_000, 2), (48_000, 6)):
        yield AudioFormat("mp4", "aac", rate, channels, 1_024)
    for options in (
        (("-movflags", "faststart")),
        ("-movflags", "frag_keyframe+empty_moov"),
        ("-movflags", "dash"),
    ):
        yield AudioFormat("mp4", "aac", 48_000, 2, 1_024, options)
    for muxer, codec in (("ac3", "ac3"), ("eac3", "eac3"), ("matroska", "ac3"), ("mpeg", "ac3"), ("wav", "ac3")):
        yield AudioFormat(muxer, codec, 48_000, 2, 1_536)
    yield AudioFormat("dts", "dca", 48_000, 2, 512, ("-strict", "-2"))
    for muxer, codec in (("asf", "wmav1"), ("asf", "wmav2"), ("wav", "wmav2"), ("avi", "wmav2")):
        yield AudioFormat(muxer, codec, 44_100, 2, 2_048)


def _speech() -> Iterator[AudioFormat]:
    blocks = {"adpcm_ms": 2_036, "adpcm_ima_wav": 2_041, "adpcm_yamaha": 2_048, "adpcm_swf": 4_096}
    for codec, frame in blocks.items():
        yield AudioFormat("wav" if codec != "adpcm_swf" else "flv", codec, 22_050, 1, frame)
    for block in ("256", "4096"):
        yield AudioFormat("wav", "adpcm_ima_wav", 44_100, 2, 2 * int(block), ("-block_size", block))
    yield AudioFormat("mov", "adpcm_ima_qt", 44_100, 1, 64)
    for muxer in ("wav", "au", "g722"):
        yield AudioFormat(
            muxer, "g726" if muxer != "g722" else "g722", 8_000 if muxer != "g722" else 16_000, 1, 320
        )
    for muxer in ("wav", "gsm"):
        yield AudioFormat(muxer, "libgsm_ms" if muxer == "wav" else "libgsm", 8_000, 1, 320)
    yield AudioFormat("ogg", "libspeex", 16_000, 1, 320)
    yield AudioFormat("ogg", "libspeex", 8_000, 1, 320, ("-frames_per_packet", "4"))
    yield AudioFormat("sbc", "sbc", 16_000, 1, 128)
    yield AudioFormat("flv", "nellymoser", 22_050, 1, 256)
    yield AudioFormat("wav", "g723_1", 8_000, 1, 240, ("-b:a", "6300"))
    yield AudioFormat("rm", "real_144", 8_000, 1, 160)


# ------------------------------------------------------------------------------------------------ one format


def synthesize_speech(rate: int, channels: int) -> np.ndarray:
    """Return ``(samples, channels)`` of syllables with a gliding pitch, up to 3 kHz, without repetition."""
    draw = np.random.default_rng(0)
    time = np.arange(round(SECONDS * rate)) / rate
    knots = np.linspace(0, SECONDS, 12)
    pitch = np.interp(time, knots, draw.uniform(110, 220, len(knots)))
    loudness = np.interp(time, np.linspace(0, SECONDS, 30), draw.uniform(0.05, 1, 30))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    waveform = sum(np.sin(k * phase) / k for k in range(1, 14))
    return np.repeat((0.1 * loudness * waveform).astype(np.float32)[:, None], channels, axis=1)


def encode_with_ffmpeg(ffmpeg: str, audio_format: AudioFormat, folder: Path) -> tuple[Path, list[Path]]:
    """Encode the voice with FFmpeg; return the file, and the parts that are concatenated in it.

    Raises:
        subprocess.CalledProcessError: if it cannot.
    """
    source, path = folder / "voice.wav", folder / "encoded"
    parts = [folder / f"part{n}" for n in range(audio_format.num_parts)]
    soundfile.write(
        source,
        synthesize_speech(audio_format.sampling_rate, audio_format.channels),
        audio_format.sampling_rate,
        subtype="FLOAT",
    )
    options = ["-c:a", audio_format.codec, *audio_format.options, "-f", audio_format.muxer]
    for part in parts:
        command = [
            ffmpeg,
            "-v",
            "error",
            "-y",
            "-i",
            str(source),
            *options,
            "-" if audio_format.is_piped else str(part),
        ]
        written = subprocess.run(command, check=True, capture_output=True).stdout
        if audio_format.is_piped:
            part.write_bytes(written)
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path, parts


def decode_with_ffmpeg(ffmpeg: str, path: Path) -> np.ndarray:
    """Return what FFmpeg decodes, mono at 16 kHz."""
    command = [
        ffmpeg,
        "-v",
        "error",
        "-i",
        str(path),
        "-map",
        "0:a:0",
        "-ac",
        "1",
        "-ar",
        str(SAMPLING_RATE),
        "-f",
        "f32le",
        "-",
    ]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of two waveforms over their common length."""
    length = min(len(one), len(other))
    one, other = one[:length].astype(np.float64), other[:length].astype(np.float64)
    return float(one @ other / max(np.sqrt((one @ one) * (other @ other)), 1e-12))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--ffmpeg", default=shutil.which("ffmpeg"), help="path of FFmpeg, if it is not on the PATH"
    )
    given = parser.parse_args()
    if not given.ffmpeg:
        sys.exit("FFmpeg was not found: name it with --ffmpeg.")
    failed, count, not_encoded = [], 0, []
    print("| format | voice, s | FFmpeg, s | Sentir, s | frames off | correlation | notes |")
    print("|---|--:|--:|--:|--:|--:|---|")
    for audio_format in audio_formats():
        with tempfile.TemporaryDirectory() as folder:
            try:
                path, parts = encode_with_ffmpeg(given.ffmpeg, audio_format, Path(folder))
                parts = parts if audio_format.muxer == "ogg" else [path]
                reference = np.concatenate([decode_with_ffmpeg(given.ffmpeg, part) for part in parts])
            except subprocess.CalledProcessError as error:
                not_encoded.append(
                    f"{audio_format}: {error.stderr.decode(errors='replace').strip().splitlines()[-1:]}"
                )
                continue
            count += 1
            line, passed = check_format(audio_format, path, reference)
            print(line, flush=True)
            failed += [] if passed else [str(audio_format)]
    print(
        f"\n{count} formats, {len(failed)} of them off by more than a codec frame or with a low correlation."
        + "".join(f"\n- {name}" for name in failed)
    )
    print(f"\nNot encoded by this FFmpeg: {len(not_encoded)}." + "".join(f"\n- {name}" for name in not_encoded))
    sys.exit(1 if failed else 0)


def check_format(audio_format: AudioFormat, path: Path, reference: np.ndarray) -> tuple[str, bool]:
    """Return the row of a format, and whether it is within a codec frame and correlates."""
    known = f"| {audio_format} | {audio_format.num_parts * SECONDS:.3f} | {len(reference) / SAMPLING_RATE:.3f} |"
    try:
        decoded = decode(Clip(path))
    except AudioError as error:
        return f"{known} {error.kind} | | | {error} |", False
    frames = (
        (len(decoded.waveform) - len(reference))
        / SAMPLING_RATE
        / (max(audio_format.frame_size, 2) / audio_format.sampling_rate)
    )
    similarity = correlation(decoded.waveform, reference)
    notes = " ".join(note.text for note in decoded.notes)
    line = f"{known} {len(decoded.waveform) / SAMPLING_RATE:.3f} | {frames:.2f} | {similarity:.4f} | {notes} |"
    truncated = any(note.kind == "truncated" for note in decoded.notes)  # wrongly: all files are complete
    return line, abs(frames) <= 1 and similarity >= MIN_CORRELATION and not truncated


if __name__ == "__main__":
    main()
