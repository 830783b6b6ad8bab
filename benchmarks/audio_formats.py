"""Whether sound is decoded to its true length: each coding and container that FFmpeg writes, against FFmpeg.

A made voice is written by FFmpeg in each coding, container, rate, number of channels and frame option below, then
decoded by Sentir and by FFmpeg. Printed are the length of the voice and both lengths that were decoded, how many
codec frames Sentir is away from FFmpeg, and the correlation of the two waves at equal times. Of Ogg streams that
are joined one after the other FFmpeg decodes each by itself. What a build of FFmpeg cannot write is listed apart.

FFmpeg is looked for on the PATH, or named by ``--ffmpeg``. The script ends with 1 if a coding is off by more than
a frame, unlike, or said to be truncated.
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

from sentir.audio.decoding import RATE, decode
from sentir.corpus.utterances import Clip
from sentir.errors import AudioError

SECONDS = 4.345  # a whole number of frames in no coding
ALIKE = 0.98  # correlation that is asked for; FFmpeg 5 rounds ADPCM in its own way


@dataclass(frozen=True)
class Coding:
    """One way to write sound.

    Attributes:
        muxer: FFmpeg's name of the container.
        codec: FFmpeg's name of the encoder.
        frame: samples per channel of one codec frame, 1 where every sample stands for itself.
        options: further ones of FFmpeg.
        joined: how many of such files are joined one after the other.
        piped: whether the file is written to a pipe, so that its header cannot tell its length.
    """

    muxer: str
    codec: str
    rate: int
    channels: int
    frame: int = 1
    options: tuple[str, ...] = ()
    joined: int = 1
    piped: bool = False

    def __str__(self) -> str:
        more = ["piped"] * self.piped + [f"{self.joined} joined"] * (self.joined > 1) + list(self.options)
        return f"{self.codec} in {self.muxer}, {self.rate} Hz, {self.channels} ch {' '.join(more)}".strip()


def codings() -> Iterator[Coding]:
    """Yield every combination."""
    yield from _plain()
    yield from _lossless()
    yield from _opus_and_vorbis()
    yield from _mpeg()
    yield from _speech()


def _plain() -> Iterator[Coding]:
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
        yield Coding("wav", codec, 16_000, 1)
    for rate, channels in ((8_000, 1), (22_050, 2), (44_100, 2), (48_000, 6), (96_000, 8)):
        yield Coding("wav", "pcm_s16le", rate, channels)
    for muxer in ("w64", "mov", "avi", "matroska", "nut"):
        yield Coding(muxer, "pcm_s16le", 44_100, 2)
    for muxer in ("aiff", "au", "caf"):
        yield Coding(muxer, "pcm_s16be", 44_100, 2)
    yield Coding("wav", "pcm_s16le", 16_000, 1, options=("-rf64", "always"))
    for muxer in ("wav", "au"):
        yield Coding(muxer, "pcm_s16le" if muxer == "wav" else "pcm_s16be", 16_000, 1, piped=True)


def _lossless() -> Iterator[Coding]:
    for rate, channels in ((16_000, 1), (44_100, 2), (48_000, 6)):
        yield Coding("flac", "flac", rate, channels, 4_608)
    yield Coding("flac", "flac", 16_000, 1, 4_608, piped=True)
    for muxer in ("ogg", "matroska", "mp4"):
        yield Coding(muxer, "flac", 44_100, 2, 4_608, ("-strict", "-2"))
    for muxer in ("ipod", "caf", "mov"):
        yield Coding(muxer, "alac", 44_100, 2, 4_096)
    for muxer, codec, frame in (("wv", "wavpack", 22_050), ("tta", "tta", 46_080), ("truehd", "truehd", 40)):
        yield Coding(muxer, codec, 44_100, 2, frame, ("-strict", "-2"))


def _opus_and_vorbis() -> Iterator[Coding]:
    for duration in ("2.5", "5", "10", "20", "40", "60"):
        frame = round(48 * float(duration))
        yield Coding("ogg", "libopus", 48_000, 1, frame, ("-frame_duration", duration))
    for channels in (2, 6):
        yield Coding("ogg", "libopus", 48_000, channels, 960)
    for options in (("-page_duration", "20000"), ("-page_duration", "5000000"), ("-vbr", "off")):
        yield Coding("ogg", "libopus", 48_000, 1, 960, options)
    for rate in (8_000, 16_000, 24_000):
        yield Coding("ogg", "libopus", rate, 1, 960)
    for muxer in ("matroska", "webm", "mp4", "mpegts", "caf", "nut"):
        yield Coding(muxer, "libopus", 48_000, 1, 960, ("-strict", "-2"))
    yield Coding("ogg", "libopus", 48_000, 1, 960, joined=2)
    for rate, channels in ((8_000, 1), (16_000, 1), (44_100, 2), (48_000, 6)):
        yield Coding("ogg", "libvorbis", rate, channels, 2_048)
    yield Coding("ogg", "libvorbis", 16_000, 1, 2_048, ("-page_duration", "20000"))
    yield Coding("ogg", "libvorbis", 16_000, 1, 2_048, joined=2)
    yield Coding("ogg", "flac", 16_000, 1, 4_608, joined=2)
    for muxer in ("matroska", "webm"):
        yield Coding(muxer, "libvorbis", 44_100, 2, 2_048)


def _mpeg() -> Iterator[Coding]:
    for rate, channels in ((8_000, 1), (16_000, 1), (22_050, 2), (44_100, 2), (48_000, 1)):
        yield Coding("mp3", "libmp3lame", rate, channels, 1_152)
    for options in (("-q:a", "2"), ("-q:a", "9"), ("-write_xing", "0"), ("-b:a", "32k"), ("-id3v2_version", "0")):
        yield Coding("mp3", "libmp3lame", 44_100, 1, 1_152, options)
    for muxer in ("wav", "matroska", "mp4", "avi", "mpegts", "ogg", "caf", "aiff"):
        yield Coding(muxer, "libmp3lame", 44_100, 1, 1_152, ("-q:a", "4"))
    yield Coding("mp3", "libmp3lame", 44_100, 1, 1_152, joined=2)
    for muxer in ("mp2", "wav", "mpeg"):
        yield Coding(muxer, "mp2", 44_100, 2, 1_152)
    for muxer in ("adts", "mp4", "ipod", "mov", "matroska", "mpegts", "flv", "wav", "avi", "caf", "3gp", "latm"):
        yield Coding(muxer, "aac", 44_100, 1, 1_024, ("-strict", "-2"))
    for rate, channels in ((8_000, 1), (16_000, 1), (48_000, 2), (48_000, 6)):
        yield Coding("mp4", "aac", rate, channels, 1_024)
    for options in (
        (("-movflags", "faststart")),
        ("-movflags", "frag_keyframe+empty_moov"),
        ("-movflags", "dash"),
    ):
        yield Coding("mp4", "aac", 48_000, 2, 1_024, options)
    for muxer, codec in (("ac3", "ac3"), ("eac3", "eac3"), ("matroska", "ac3"), ("mpeg", "ac3"), ("wav", "ac3")):
        yield Coding(muxer, codec, 48_000, 2, 1_536)
    yield Coding("dts", "dca", 48_000, 2, 512, ("-strict", "-2"))
    for muxer, codec in (("asf", "wmav1"), ("asf", "wmav2"), ("wav", "wmav2"), ("avi", "wmav2")):
        yield Coding(muxer, codec, 44_100, 2, 2_048)


def _speech() -> Iterator[Coding]:
    blocks = {"adpcm_ms": 2_036, "adpcm_ima_wav": 2_041, "adpcm_yamaha": 2_048, "adpcm_swf": 4_096}
    for codec, frame in blocks.items():
        yield Coding("wav" if codec != "adpcm_swf" else "flv", codec, 22_050, 1, frame)
    for block in ("256", "4096"):
        yield Coding("wav", "adpcm_ima_wav", 44_100, 2, 2 * int(block), ("-block_size", block))
    yield Coding("mov", "adpcm_ima_qt", 44_100, 1, 64)
    for muxer in ("wav", "au", "g722"):
        yield Coding(muxer, "g726" if muxer != "g722" else "g722", 8_000 if muxer != "g722" else 16_000, 1, 320)
    for muxer in ("wav", "gsm"):
        yield Coding(muxer, "libgsm_ms" if muxer == "wav" else "libgsm", 8_000, 1, 320)
    yield Coding("ogg", "libspeex", 16_000, 1, 320)
    yield Coding("ogg", "libspeex", 8_000, 1, 320, ("-frames_per_packet", "4"))
    yield Coding("sbc", "sbc", 16_000, 1, 128)
    yield Coding("flv", "nellymoser", 22_050, 1, 256)
    yield Coding("wav", "g723_1", 8_000, 1, 240, ("-b:a", "6300"))
    yield Coding("rm", "real_144", 8_000, 1, 160)


# ------------------------------------------------------------------------------------------------ one coding


def voice(rate: int, channels: int) -> np.ndarray:
    """Return ``(samples, channels)`` of syllables of a gliding pitch, of up to 3 kHz: every moment another."""
    draw = np.random.default_rng(0)
    time = np.arange(round(SECONDS * rate)) / rate
    knots = np.linspace(0, SECONDS, 12)
    pitch = np.interp(time, knots, draw.uniform(110, 220, len(knots)))
    loudness = np.interp(time, np.linspace(0, SECONDS, 30), draw.uniform(0.05, 1, 30))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    wave = sum(np.sin(k * phase) / k for k in range(1, 14))
    return np.repeat((0.1 * loudness * wave).astype(np.float32)[:, None], channels, axis=1)


def write(ffmpeg: str, coding: Coding, folder: Path) -> tuple[Path, list[Path]]:
    """Let FFmpeg write the voice in a coding; returns the file, and the parts that are joined in it.

    Raises:
        subprocess.CalledProcessError: if it cannot.
    """
    source, path = folder / "voice.wav", folder / "coded"
    parts = [folder / f"part{n}" for n in range(coding.joined)]
    soundfile.write(source, voice(coding.rate, coding.channels), coding.rate, subtype="FLOAT")
    how = ["-c:a", coding.codec, *coding.options, "-f", coding.muxer]
    for part in parts:
        command = [ffmpeg, "-v", "error", "-y", "-i", str(source), *how, "-" if coding.piped else str(part)]
        written = subprocess.run(command, check=True, capture_output=True).stdout
        if coding.piped:
            part.write_bytes(written)
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path, parts


def by_ffmpeg(ffmpeg: str, path: Path) -> np.ndarray:
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
        str(RATE),
        "-f",
        "f32le",
        "-",
    ]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of two waves as far as both go."""
    length = min(len(one), len(other))
    one, other = one[:length].astype(np.float64), other[:length].astype(np.float64)
    return float(one @ other / max(np.sqrt((one @ one) * (other @ other)), 1e-12))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ffmpeg", default=shutil.which("ffmpeg"), help="the program, if it is not on the PATH")
    given = parser.parse_args()
    if not given.ffmpeg:
        sys.exit("FFmpeg was not found: name it with --ffmpeg.")
    off, count, unwritten = [], 0, []
    print("| coding | voice, s | FFmpeg, s | Sentir, s | frames off | correlation | notes |")
    print("|---|--:|--:|--:|--:|--:|---|")
    for coding in codings():
        with tempfile.TemporaryDirectory() as folder:
            try:
                path, parts = write(given.ffmpeg, coding, Path(folder))
                parts = parts if coding.muxer == "ogg" else [path]
                reference = np.concatenate([by_ffmpeg(given.ffmpeg, part) for part in parts])
            except subprocess.CalledProcessError as error:
                unwritten.append(f"{coding}: {error.stderr.decode(errors='replace').strip().splitlines()[-1:]}")
                continue
            count += 1
            line, good = row(coding, path, reference)
            print(line, flush=True)
            off += [] if good else [str(coding)]
    print(
        f"\n{count} codings, {len(off)} of them off by more than a codec frame or unlike."
        + "".join(f"\n- {n}" for n in off)
    )
    print(f"\nNot written by this FFmpeg: {len(unwritten)}." + "".join(f"\n- {name}" for name in unwritten))
    sys.exit(1 if off else 0)


def row(coding: Coding, path: Path, reference: np.ndarray) -> tuple[str, bool]:
    """Return the line of a coding, and whether it is within a codec frame and alike."""
    known = f"| {coding} | {coding.joined * SECONDS:.3f} | {len(reference) / RATE:.3f} |"
    try:
        decoded = decode(Clip(path))
    except AudioError as error:
        return f"{known} {error.kind} | | | {error} |", False
    frames = (len(decoded.wave) - len(reference)) / RATE / (max(coding.frame, 2) / coding.rate)
    alike = likeness(decoded.wave, reference)
    notes = " ".join(note.text for note in decoded.notes)
    line = f"{known} {len(decoded.wave) / RATE:.3f} | {frames:.2f} | {alike:.4f} | {notes} |"
    told = any(note.kind == "truncated" for note in decoded.notes)  # wrongly: all are whole
    return line, abs(frames) <= 1 and alike >= ALIKE and not told


if __name__ == "__main__":
    main()
