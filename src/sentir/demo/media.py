"""Recordings of the demo corpora: which files there are, with some of the real corpora's defects.

The demo MELD has a clip for every turn (mp4 with AAC at 48 kHz; one in ten in 5.1 with the voice in the center),
the demo MOSEI one 16 kHz wav per video. Defects, as MELD has them: a train clip that cannot be decoded and one of
a tenth of a second, a dev clip that is not there, and test clips that are wrongly cut beside their
``final_videos_test`` twins, the right ones.
"""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
import wave as wave_files
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.workers import start_worker
from sentir.demo.grammar import Dice
from sentir.demo.script import Scene, Segment, Video, scenes, videos
from sentir.demo.voice import VOICE_RATE, Line, speak
from sentir.errors import CorpusError
from sentir.i18n import _, language
from sentir.progress import task

WORKERS = 2
CLIP_RATE, VIDEO_RATE = 48_000, 16_000
MELD_FOLDERS = {
    "train": "MELD-RAW/MELD.Raw/train/train_splits",
    "dev": "MELD-RAW/MELD.Raw/dev/dev_splits_complete",
    "test": "MELD-RAW/MELD.Raw/test/output_repeated_splits_test",
}
MOSEI_FOLDER = "Audio/Audio/WAV_16000"
LAYOUTS = {"mono": 0.3, "stereo": 0.6, "5.1": 0.1}
BIT_RATES = {"mono": 64_000, "stereo": 96_000, "5.1": 192_000}
CENTER = 2  # of front left, front right, center, low frequencies, back left, back right
ROOM_TONE = (-78, -62)  # dB against full scale
TWINS = (0.4, 0.5, 2.0, 2.5)  # lengths of the wrongly cut clips, as shares of the right ones
_APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00" + b"Mac OS X" + bytes(8)


@dataclass(frozen=True, slots=True)
class Recording:
    """A file to be recorded.

    Attributes:
        path: where it lies in the tree; its suffix decides what it is.
        lines: start in seconds and line; what lies beyond ``seconds`` is cut off.
        layout: ``mono``, ``stereo`` or ``5.1``.
        whole: whether all of the file is written.
    """

    path: str
    lines: tuple[tuple[float, Line], ...]
    seconds: float
    layout: str = "mono"
    whole: bool = True


def meld_recordings() -> list[Recording]:
    """Return the clips of the demo MELD, defects included."""
    clips = {split: list(_clips(split)) for split in MELD_FOLDERS}
    dice = Dice("meld/defects")
    broken, short = _draw(clips["train"], 2, dice)
    clips["train"][broken] = replace(clips["train"][broken], whole=False)
    clips["train"][short] = replace(clips["train"][short], seconds=0.1)
    clips["dev"].pop(dice.between(0, len(clips["dev"]) - 1))
    test = clips["test"]
    for n, share in zip(_draw(test, len(TWINS), dice), TWINS, strict=True):
        clip, after = test[n], test[(n + 1) % len(test)]
        folder, _slash, name = clip.path.rpartition("/")
        test.append(replace(clip, path=f"{folder}/final_videos_test{name}"))
        lines = (*clip.lines, (clip.seconds, after.lines[0][1]))
        test[n] = replace(clip, lines=lines, seconds=clip.seconds * share)
    return [clip for split in clips.values() for clip in split]


def meld_litter() -> dict[str, bytes]:
    """Return files beside the clips that are none, as archives made on a Mac have them."""
    return {f"{folder}/._dia0_utt0.mp4": _APPLE_DOUBLE for folder in MELD_FOLDERS.values()}


def mosei_recordings() -> list[Recording]:
    """Return the whole videos of the demo MOSEI, every segment said at its time."""
    return [_recording(video) for split in MELD_FOLDERS for video in videos(split)]


def record(recordings: Sequence[Recording], root: Path) -> None:
    """Speak and write recordings under ``root``, in two processes.

    Raises:
        CorpusError: if espeak-ng cannot be used or a process is killed.
        OSError: if a file cannot be written.
    """
    for folder in {(root / recording.path).parent for recording in recordings}:
        folder.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    workers = min(WORKERS, os.cpu_count() or 1)
    pool = ProcessPoolExecutor(workers, context, start_worker, (language(),))
    try:
        with task(_("Speaking"), len(recordings)) as advance, pool:
            for _done in pool.map(partial(write_recording, root), recordings, chunksize=8):
                advance(1)
    except BrokenProcessPool as error:
        raise CorpusError(
            _("A process that speaks the demo corpora was stopped; is there memory left? Try again.")
        ) from error


def write_recording(root: Path, recording: Recording) -> None:
    """Speak and write one recording; its folder is there."""
    tracks = _tracks(recording)
    encode = _wav if recording.path.endswith(".wav") else partial(_mp4, layout=recording.layout)
    content = encode(tracks)
    (root / recording.path).write_bytes(content if recording.whole else content[: len(content) // 3])


# ------------------------------------------------------------------------------------------------ what is said


def _clips(split: str) -> Iterator[Recording]:
    dice = Dice(f"meld/{split}/layouts")
    for dialogue, scene in enumerate(scenes(split)):
        for number, line in enumerate(_lines(scene, f"meld/{split}/dia{dialogue}")):
            path = f"{MELD_FOLDERS[split]}/dia{dialogue}_utt{number}.mp4"
            yield Recording(path, ((0.0, line),), line.seconds, dice.weighted(LAYOUTS))


def _lines(scene: Scene, prefix: str) -> Iterator[Line]:
    for number, (turn, (start, end)) in enumerate(zip(scene.turns, scene.times, strict=True)):
        felt = {turn.feeling.emotion: 1.0}
        yield Line(f"{prefix}/utt{number}", turn.text, turn.speaker, felt, (end - start) / 1000)


def _recording(video: Video) -> Recording:
    lines = []
    for segment, (start, end) in zip(video.segments, video.times, strict=True):
        key, seconds = f"mosei/{video.id}/{start}", (end - start) / 1000
        lines.append((start / 1000, Line(key, segment.text, video.id, _felt(segment), seconds)))
    return Recording(f"{MOSEI_FOLDER}/{video.id}.wav", tuple(lines), video.times[-1][1] / 1000 + 0.5)


def _felt(segment: Segment) -> Mapping[str, float]:
    """Return how strongly each emotion is heard: from 0.6 at the least intensity to 1.4 at the highest."""
    return {emotion: 0.5 + thirds / 10 for emotion, thirds in segment.intensities.items()}


def _draw(options: Sequence[object], n: int, dice: Dice) -> list[int]:
    """Draw ``n`` different positions."""
    drawn: list[int] = []
    while len(drawn) < n:
        drawn.append(dice.pick([i for i in range(len(options)) if i not in drawn]))
    return drawn


# ---------------------------------------------------------------------------------------------------- writing


def _tracks(recording: Recording) -> NDArray[np.float32]:
    """Return ``(channels, samples)`` at the file's rate: the voice, and faint noise, another in each channel."""
    import soxr

    rate = VIDEO_RATE if recording.path.endswith(".wav") else CLIP_RATE
    voice = np.zeros(round(recording.seconds * rate), dtype=np.float32)
    for start, line in recording.lines:
        first = round(start * rate)
        said = soxr.resample(speak(line), VOICE_RATE, rate)[: max(0, len(voice) - first)]
        voice[first : first + len(said)] += said
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[recording.layout]
    seed = int.from_bytes(hashlib.sha256(recording.path.encode()).digest()[:8])
    noise = np.random.default_rng(seed).standard_normal((channels, len(voice)), dtype=np.float32)
    level = Dice(f"room of {recording.path}").between(*ROOM_TONE)
    tracks: NDArray[np.float32] = noise * np.float32(10 ** (level / 20))
    tracks[CENTER if channels == 6 else slice(None)] += voice
    return np.clip(tracks, -1, 1)


def _wav(tracks: NDArray[np.float32]) -> bytes:
    page = io.BytesIO()
    with wave_files.open(page, "wb") as file:
        file.setnchannels(len(tracks))
        file.setsampwidth(2)
        file.setframerate(VIDEO_RATE)
        file.writeframes((tracks.T * 32_767).astype("<i2").tobytes())
    return page.getvalue()


def _mp4(tracks: NDArray[np.float32], *, layout: str) -> bytes:
    """Encode as AAC in mp4, without dates or names of programs, so that the same sound is the same bytes."""
    import av

    page = io.BytesIO()
    with av.open(page, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream("aac", rate=CLIP_RATE, layout=layout)
        stream.bit_rate = BIT_RATES[layout]
        stream.options = {"aac_coder": "fast"}
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(tracks), format="fltp", layout=layout)
        frame.sample_rate = CLIP_RATE
        for source in (frame, None):
            for packet in stream.encode(source):
                container.mux(packet)
    return page.getvalue()
