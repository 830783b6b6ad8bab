"""Recordings of the demo corpora, with some of the real corpora's defects.

The demo MELD has a clip for every turn (mp4 with AAC at 48 kHz; one in ten in 5.1 with the voice in the center),
the demo MOSEI one 16 kHz wav per video. Defects as in MELD: a train clip that cannot be decoded and one of a
tenth of a second, a missing dev clip, and test clips of wrong duration beside their ``final_videos_test``
duplicates, the right ones.
"""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import wave
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.demo.grammar import StableRandom
from sentir.demo.script import (
    DemoSegment,
    DemoVideo,
    TimedConversation,
    generate_timed_conversations,
    generate_videos,
)
from sentir.demo.voice import VOICE_SAMPLING_RATE, ScriptLine, synthesize
from sentir.errors import CorpusError
from sentir.i18n import _, get_language
from sentir.progress import progress_bar
from sentir.worker_processes import count_cores, initialize_worker

MAX_WORKERS = 16  # that synthesize; more would hardly have started when all is done
CLIP_SAMPLING_RATE, VIDEO_SAMPLING_RATE = 48_000, 16_000
MELD_FOLDERS = {
    "train": "MELD-RAW/MELD.Raw/train/train_splits",
    "dev": "MELD-RAW/MELD.Raw/dev/dev_splits_complete",
    "test": "MELD-RAW/MELD.Raw/test/output_repeated_splits_test",
}
MOSEI_FOLDER = "Audio/Audio/WAV_16000"
CHANNEL_LAYOUTS = {"mono": 0.3, "stereo": 0.6, "5.1": 0.1}
BIT_RATES = {"mono": 64_000, "stereo": 96_000, "5.1": 192_000}
CENTER_CHANNEL = 2  # index among front left, front right, center, low frequencies, back left, back right
NOISE_LEVEL_DBFS = (-78, -62)
DUPLICATE_DURATION_RATIOS = (0.4, 0.5, 2.0, 2.5)  # wrong duration / right duration
_APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00" + b"Mac OS X" + bytes(8)


@dataclass(frozen=True, slots=True)
class Recording:
    """An audio file to generate.

    Attributes:
        path: in the tree; its suffix decides the format.
        lines: start in seconds and line; truncated to ``seconds``.
        channel_layout: ``mono``, ``stereo`` or ``5.1``.
        is_complete: whether the complete file is written.
    """

    path: str
    lines: tuple[tuple[float, ScriptLine], ...]
    seconds: float
    channel_layout: str = "mono"
    is_complete: bool = True


def plan_meld_recordings() -> list[Recording]:
    """Return the clips of the demo MELD, defects included."""
    clips = {split: list(_plan_clips(split)) for split in MELD_FOLDERS}
    rng = StableRandom("meld/defects")
    broken, short = _draw_positions(clips["train"], 2, rng)
    clips["train"][broken] = replace(clips["train"][broken], is_complete=False)
    clips["train"][short] = replace(clips["train"][short], seconds=0.1)
    clips["dev"].pop(rng.randint(0, len(clips["dev"]) - 1))
    test = clips["test"]
    positions = _draw_positions(test, len(DUPLICATE_DURATION_RATIOS), rng)
    for n, ratio in zip(positions, DUPLICATE_DURATION_RATIOS, strict=True):
        clip, following = test[n], test[(n + 1) % len(test)]
        folder, _slash, name = clip.path.rpartition("/")
        test.append(replace(clip, path=f"{folder}/final_videos_test{name}"))
        lines = (*clip.lines, (clip.seconds, following.lines[0][1]))
        test[n] = replace(clip, lines=lines, seconds=clip.seconds * ratio)
    return [clip for split in clips.values() for clip in split]


def make_stray_files() -> dict[str, bytes]:
    """Return files beside the clips that are not clips, as in archives made on a Mac."""
    return {f"{folder}/._dia0_utt0.mp4": _APPLE_DOUBLE for folder in MELD_FOLDERS.values()}


def plan_mosei_recordings() -> list[Recording]:
    """Return the videos of the demo MOSEI, with every segment at its time."""
    return [_plan_video(video) for split in MELD_FOLDERS for video in generate_videos(split)]


def write_recordings(recordings: Sequence[Recording], root: Path) -> None:
    """Synthesize and write recordings under ``root``, in one process per core, up to `MAX_WORKERS`.

    Raises:
        CorpusError: if espeak-ng cannot be used or a process is killed.
        OSError: if a file cannot be written.
    """
    for folder in {(root / recording.path).parent for recording in recordings}:
        folder.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(count_cores(), MAX_WORKERS), context, initialize_worker, (get_language(),))
    try:
        with progress_bar(_("Synthesizing speech"), len(recordings)) as advance, pool:
            for _done in pool.map(partial(write_recording, root), recordings, chunksize=8):
                advance(1)
    except BrokenProcessPool as error:
        raise CorpusError(
            _("A process that synthesizes the demo corpora was killed, maybe for lack of memory; try again.")
        ) from error


def write_recording(root: Path, recording: Recording) -> None:
    """Synthesize and write one recording, to an existing folder."""
    channels = _render_channels(recording)
    if recording.path.endswith(".wav"):
        content = _encode_wav(channels)
    else:
        content = _encode_mp4(channels, channel_layout=recording.channel_layout)
    (root / recording.path).write_bytes(content if recording.is_complete else content[: len(content) // 3])


# ------------------------------------------------------------------------------------------------- planning


def _plan_clips(split: str) -> Iterator[Recording]:
    rng = StableRandom(f"meld/{split}/layouts")
    for dialogue, conversation in enumerate(generate_timed_conversations(split)):
        for number, line in enumerate(_make_script_lines(conversation, f"meld/{split}/dia{dialogue}")):
            path = f"{MELD_FOLDERS[split]}/dia{dialogue}_utt{number}.mp4"
            yield Recording(path, ((0.0, line),), line.seconds, rng.weighted_choice(CHANNEL_LAYOUTS))


def _make_script_lines(conversation: TimedConversation, prefix: str) -> Iterator[ScriptLine]:
    for number, (turn, (start, end)) in enumerate(zip(conversation.turns, conversation.times, strict=True)):
        strengths = {turn.affect.emotion: 1.0}
        yield ScriptLine(f"{prefix}/utt{number}", turn.text, turn.speaker, strengths, (end - start) / 1000)


def _plan_video(video: DemoVideo) -> Recording:
    lines = []
    for segment, (start, end) in zip(video.segments, video.times, strict=True):
        line_id, seconds = f"mosei/{video.id}/{start}", (end - start) / 1000
        line = ScriptLine(line_id, segment.text, video.id, _emotion_strengths(segment), seconds)
        lines.append((start / 1000, line))
    return Recording(f"{MOSEI_FOLDER}/{video.id}.wav", tuple(lines), video.times[-1][1] / 1000 + 0.5)


def _emotion_strengths(segment: DemoSegment) -> Mapping[str, float]:
    """Return the strength of each emotion: from 0.6 at the lowest intensity to 1.4 at the highest."""
    return {emotion: 0.5 + thirds / 10 for emotion, thirds in segment.intensities.items()}


def _draw_positions(options: Sequence[object], n: int, rng: StableRandom) -> list[int]:
    """Draw ``n`` different positions."""
    drawn: list[int] = []
    while len(drawn) < n:
        drawn.append(rng.choice([i for i in range(len(options)) if i not in drawn]))
    return drawn


# ---------------------------------------------------------------------------------------------------- writing


def _render_channels(recording: Recording) -> NDArray[np.float32]:
    """Return ``(channels, samples)`` at the file's sampling rate: the voice, and faint noise per channel."""
    import soxr

    rate = VIDEO_SAMPLING_RATE if recording.path.endswith(".wav") else CLIP_SAMPLING_RATE
    voice = np.zeros(round(recording.seconds * rate), dtype=np.float32)
    for start, line in recording.lines:
        first = round(start * rate)
        speech = soxr.resample(synthesize(line), VOICE_SAMPLING_RATE, rate)[: max(0, len(voice) - first)]
        voice[first : first + len(speech)] += speech
    num_channels = {"mono": 1, "stereo": 2, "5.1": 6}[recording.channel_layout]
    seed = int.from_bytes(hashlib.sha256(recording.path.encode()).digest()[:8])
    noise = np.random.default_rng(seed).standard_normal((num_channels, len(voice)), dtype=np.float32)
    level = StableRandom(f"room of {recording.path}").randint(*NOISE_LEVEL_DBFS)
    channels: NDArray[np.float32] = noise * np.float32(10 ** (level / 20))
    channels[CENTER_CHANNEL if num_channels == 6 else slice(None)] += voice
    return np.clip(channels, -1, 1)


def _encode_wav(channels: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(VIDEO_SAMPLING_RATE)
        file.writeframes((channels.T * 32_767).astype("<i2").tobytes())
    return buffer.getvalue()


def _encode_mp4(channels: NDArray[np.float32], *, channel_layout: str) -> bytes:
    """Encode as AAC in mp4, without dates or encoder names, so that equal audio is equal bytes."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream("aac", rate=CLIP_SAMPLING_RATE, layout=channel_layout)
        stream.bit_rate = BIT_RATES[channel_layout]
        stream.options = {"aac_coder": "fast"}
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels), format="fltp", layout=channel_layout)
        frame.sample_rate = CLIP_SAMPLING_RATE
        for input_frame in (frame, None):  # None flushes the encoder
            for packet in stream.encode(input_frame):
                container.mux(packet)
    return buffer.getvalue()
