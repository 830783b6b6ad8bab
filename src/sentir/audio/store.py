"""Sound of utterances: each clip decoded once, what was measured kept on disk and found again by content.

The key of a clip is the hash of its source's content, the cut, and how it is measured; neither paths nor names
take part, so that a store and a corpus can be moved. See ``docs/decisions/sound-store.md``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from sentir.audio.extraction import (
    MediaFile,
    Segment,
    compute_audio_key,
    extract_media_files,
    is_spectrogram_file,
)
from sentir.audio.file_hashes import hash_files, missing_file_error
from sentir.audio.store_parts import StoreParts, store_write_error, write_part
from sentir.corpus.utterances import AudioFeatures, Clip, Utterance
from sentir.errors import AudioError, SentirError
from sentir.i18n import _, get_language
from sentir.paths import audio_dir
from sentir.progress import progress_bar
from sentir.worker_processes import initialize_worker

_MAX_CLIPS_PER_PART = 256  # clips per part: what a killed run loses at most, of each worker
_MIN_CLIPS_PER_PART = 16  # clips that are worth a part of their own, so that every worker has something to do
_MIN_CLIPS_FOR_WORKERS = 64  # clips that are measured sooner than workers start


def attach_audio(
    utterances: Sequence[Utterance],
    *,
    mel_kind: str = "mel",
    folder: Path | None = None,
    workers: int | None = None,
) -> list[Utterance]:
    """Return the same utterances in the same order, each with its ``sound``.

    A clip that cannot be used is a reason in ``Sound.problem``; nothing raises for it. Utterances without a split
    are from outside any corpus: their clips are decoded in memory and leave no trace. Worker processes start anew
    (spawn), so a script that calls this needs ``if __name__ == "__main__":``.

    Args:
        utterances: those that have a sound of this kind keep it.
        mel_kind: ``mel`` or ``thesis``.
        folder: the store; `sentir.paths.sounds_dir` if not given.
        workers: processes that decode; as many as there are cores if not given.

    Raises:
        SentirError: if the store cannot be written or a worker is killed.
    """
    return extract_audio(utterances, mel_kind=mel_kind, folder=folder, workers=workers)[0]


def extract_audio(
    utterances: Sequence[Utterance], *, mel_kind: str, folder: Path | None = None, workers: int | None = None
) -> tuple[list[Utterance], set[Clip]]:
    """Do what `listen` does, and tell which clips of corpora were not in the store and had to be decoded."""
    wanted: dict[bool, dict[Clip, str]] = {True: {}, False: {}}  # of a corpus or from outside → clip → first id
    for u in utterances:
        if u.clip and (u.audio is None or u.audio.mel_kind != mel_kind):
            wanted[bool(u.split)].setdefault(u.clip, u.id)
    stored, new = _load_or_extract(wanted[True], mel_kind, folder or audio_dir(), workers)
    heard = {True: stored, False: _extract_in_memory(wanted[False], mel_kind)}

    def sound(u: Utterance) -> AudioFeatures:
        if u.audio is not None and u.audio.mel_kind == mel_kind:
            return u.audio
        return heard[bool(u.split)][u.clip] if u.clip else _missing_clip_features(u, mel_kind)

    return [replace(u, audio=sound(u)) for u in utterances], new


def _missing_clip_features(utterance: Utterance, mel_kind: str) -> AudioFeatures:
    return AudioFeatures(
        problem=_("{id} has no audio.", id=utterance.id), problem_kind="missing", mel_kind=mel_kind
    )


def _unreadable_features(error: AudioError, mel_kind: str) -> AudioFeatures:
    return AudioFeatures(problem=str(error), problem_kind=error.kind, mel_kind=mel_kind)


@dataclass(frozen=True)
class _KeyedClips:
    """Clips by key, or the reason why there is none."""

    keys: Mapping[Clip, str]
    digests: Mapping[Path, str]
    unreadable_features: Mapping[Clip, AudioFeatures]


def _compute_clip_keys(clips: Mapping[Clip, str], mel_kind: str, folder: Path | None) -> _KeyedClips:
    found = hash_files(dict.fromkeys(clip.path for clip in clips), folder)
    known = {path: digest for path, digest in found.items() if isinstance(digest, str)}
    errors = {path: error for path, error in found.items() if isinstance(error, AudioError)}
    return _KeyedClips(
        keys={clip: compute_audio_key(known[clip.path], clip, mel_kind) for clip in clips if clip.path in known},
        digests=known,
        unreadable_features={
            clip: _unreadable_features(errors[clip.path], mel_kind) for clip in clips if clip.path in errors
        },
    )


def _group_by_media_file(
    clips: Mapping[Clip, str], keyed: _KeyedClips, mel_kind: str, known: StoreParts | frozenset[str]
) -> list[MediaFile]:
    """Gather the clips that are not known by the content of their source, each key once."""
    paths: dict[tuple[str, bool], Path] = {}
    cuts: dict[tuple[str, bool], dict[str, Segment]] = {}
    for clip, key in keyed.keys.items():
        if key not in known:
            content = (keyed.digests[clip.path], is_spectrogram_file(clip.path))
            paths.setdefault(content, clip.path)
            cuts.setdefault(content, {}).setdefault(key, Segment(key, clips[clip], clip.start, clip.end))
    return [MediaFile(paths[content], content[0], mel_kind, tuple(cuts[content].values())) for content in paths]


def _extract_in_memory(clips: Mapping[Clip, str], mel_kind: str) -> dict[Clip, AudioFeatures]:
    if not clips:
        return {}
    wanted = _compute_clip_keys(clips, mel_kind, None)
    sources = _group_by_media_file(clips, wanted, mel_kind, frozenset())
    sounds: dict[str, AudioFeatures] = {}
    with progress_bar(_("Listening"), len(wanted.keys)) as advance:
        for source in sources:
            sounds |= {
                measured.segment.key: measured.to_audio_features(mel_kind)
                for _source, measured in extract_media_files([source])
            }
            advance(len(source.segments))
    return {clip: sounds[key] for clip, key in wanted.keys.items()} | dict(wanted.unreadable_features)


def _load_or_extract(
    clips: Mapping[Clip, str], mel_kind: str, folder: Path, workers: int | None
) -> tuple[dict[Clip, AudioFeatures], set[Clip]]:
    if not clips:
        return {}, set()
    wanted = _compute_clip_keys(clips, mel_kind, folder)
    parts = StoreParts(folder)
    new = {clip for clip, key in wanted.keys.items() if key not in parts}
    if new:
        _extract_missing(_group_by_media_file(clips, wanted, mel_kind, parts), folder, workers)
        parts.refresh()
    sounds = dict(wanted.unreadable_features)
    for clip, key in wanted.keys.items():  # a key still unknown: its file went while we worked
        known = key in parts
        if not known and clip.path.is_file():
            raise SentirError(
                _("The store of prepared sound {folder} was deleted in part while it was filled; run again.",
                  folder=folder)
            )  # fmt: skip
        sounds[clip] = (
            parts.load(key, mel_kind=mel_kind, path=clip.path)
            if known
            else _unreadable_features(missing_file_error(clip.path), mel_kind)
        )
    return sounds, new


def _extract_missing(media_files: Sequence[MediaFile], folder: Path, workers: int | None) -> None:
    """Measure what the store lacks, part by part."""
    _check_writable(folder)
    total = sum(len(source.segments) for source in media_files)
    workers = workers or os.cpu_count() or 1
    rounds = -(-total // (workers * _MAX_CLIPS_PER_PART))  # in each of which every worker makes one part
    chunks = _chunks(media_files, max(_MIN_CLIPS_PER_PART, -(-total // (workers * rounds))))
    workers = 1 if total < _MIN_CLIPS_FOR_WORKERS else min(workers, len(chunks))
    with progress_bar(_("Listening"), total) as advance:
        if workers > 1:
            _extract_in_parallel(chunks, folder, workers, advance)
        for chunk in chunks if workers == 1 else ():
            advance(extract_part(chunk, folder))


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise store_write_error(folder, error) from error


def _chunks(media_files: Iterable[MediaFile], size: int) -> list[list[MediaFile]]:
    """Cut a list of sources into runs of about ``size`` clips."""
    chunks: list[list[MediaFile]] = []
    clips = size
    for source in media_files:
        if clips >= size:
            chunks.append([])
            clips = 0
        chunks[-1].append(source)
        clips += len(source.segments)
    return chunks


def extract_part(media_files: Sequence[MediaFile], folder: Path) -> int:
    """Measure some sources into one part, and return how many clips they had; a file that is gone is not kept."""
    found = extract_media_files(media_files)
    if kept := [(source, measured) for source, measured in found if measured.problem_kind != "missing"]:
        write_part(folder, kept)
    return len(found)


def _extract_in_parallel(
    chunks: Sequence[Sequence[MediaFile]], folder: Path, workers: int, advance: Callable[[int], None]
) -> None:
    """Let fresh processes do it, for a fork beside the threads of torch may hang."""
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=initialize_worker, initargs=(get_language(),)
    )
    try:
        futures: list[Future[int]] = [pool.submit(extract_part, chunk, folder) for chunk in chunks]
        for future in as_completed(futures):
            advance(future.result())
    except BrokenProcessPool as error:
        raise SentirError(
            _("A process that decodes was ended from outside, often for lack of memory; run again with fewer "
              "workers: what was prepared is kept.")
        ) from error  # fmt: skip
    finally:
        pool.shutdown(cancel_futures=True)
