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

from sentir.audio.extraction import Cut, Source, is_picture, measure_sources, sound_key
from sentir.audio.file_hashes import digests, missing
from sentir.audio.store_parts import Parts, unwritable, write_part
from sentir.audio.workers import start_worker
from sentir.corpus.utterances import Clip, Sound, Utterance
from sentir.errors import AudioError, SentirError
from sentir.i18n import _, language
from sentir.paths import sounds_dir
from sentir.progress import task

_PART = 256  # clips per part: what a killed run loses at most, of each worker
_SMALLEST = 16  # clips that are worth a part of their own, so that every worker has something to do
_FEW = 64  # clips that are measured sooner than workers start


def listen(
    utterances: Sequence[Utterance], *, kind: str = "mel", folder: Path | None = None, workers: int | None = None
) -> list[Utterance]:
    """Return the same utterances in the same order, each with its ``sound``.

    A clip that cannot be used is a reason in ``Sound.problem``; nothing raises for it. Utterances without a split
    are from outside any corpus: their clips are decoded in memory and leave no trace. Worker processes start anew
    (spawn), so a script that calls this needs ``if __name__ == "__main__":``.

    Args:
        utterances: those that have a sound of this kind keep it.
        kind: ``mel`` or ``thesis``.
        folder: the store; `sentir.paths.sounds_dir` if not given.
        workers: processes that decode; as many as there are cores if not given.

    Raises:
        SentirError: if the store cannot be written or a worker is killed.
    """
    return hear(utterances, kind=kind, folder=folder, workers=workers)[0]


def hear(
    utterances: Sequence[Utterance], *, kind: str, folder: Path | None = None, workers: int | None = None
) -> tuple[list[Utterance], set[Clip]]:
    """Do what `listen` does, and tell which clips of corpora were not in the store and had to be decoded."""
    wanted: dict[bool, dict[Clip, str]] = {True: {}, False: {}}  # of a corpus or from outside → clip → first id
    for u in utterances:
        if u.clip and (u.sound is None or u.sound.kind != kind):
            wanted[bool(u.split)].setdefault(u.clip, u.id)
    stored, new = _from_store(wanted[True], kind, folder or sounds_dir(), workers)
    heard = {True: stored, False: _in_memory(wanted[False], kind)}

    def sound(u: Utterance) -> Sound:
        if u.sound is not None and u.sound.kind == kind:
            return u.sound
        return heard[bool(u.split)][u.clip] if u.clip else _without_clip(u, kind)

    return [replace(u, sound=sound(u)) for u in utterances], new


def _without_clip(u: Utterance, kind: str) -> Sound:
    return Sound(problem=_("{id} has no audio.", id=u.id), problem_kind="missing", kind=kind)


def _unreadable(error: AudioError, kind: str) -> Sound:
    return Sound(problem=str(error), problem_kind=error.kind, kind=kind)


@dataclass(frozen=True)
class _Wanted:
    """Clips by key, or the reason why there is none."""

    keys: Mapping[Clip, str]
    digests: Mapping[Path, str]
    unreadable: Mapping[Clip, Sound]


def _look(clips: Mapping[Clip, str], kind: str, folder: Path | None) -> _Wanted:
    found = digests(dict.fromkeys(clip.path for clip in clips), folder)
    known = {path: digest for path, digest in found.items() if isinstance(digest, str)}
    errors = {path: error for path, error in found.items() if isinstance(error, AudioError)}
    return _Wanted(
        keys={clip: sound_key(known[clip.path], clip, kind) for clip in clips if clip.path in known},
        digests=known,
        unreadable={clip: _unreadable(errors[clip.path], kind) for clip in clips if clip.path in errors},
    )


def _sources(
    clips: Mapping[Clip, str], wanted: _Wanted, kind: str, known: Parts | frozenset[str]
) -> list[Source]:
    """Gather the clips that are not known by the content of their source, each key once."""
    paths: dict[tuple[str, bool], Path] = {}
    cuts: dict[tuple[str, bool], dict[str, Cut]] = {}
    for clip, key in wanted.keys.items():
        if key not in known:
            content = (wanted.digests[clip.path], is_picture(clip.path))
            paths.setdefault(content, clip.path)
            cuts.setdefault(content, {}).setdefault(key, Cut(key, clips[clip], clip.start, clip.end))
    return [Source(paths[content], content[0], kind, tuple(cuts[content].values())) for content in paths]


def _in_memory(clips: Mapping[Clip, str], kind: str) -> dict[Clip, Sound]:
    if not clips:
        return {}
    wanted = _look(clips, kind, None)
    sources = _sources(clips, wanted, kind, frozenset())
    sounds: dict[str, Sound] = {}
    with task(_("Listening"), len(wanted.keys)) as advance:
        for source in sources:
            sounds |= {measured.cut.key: measured.sound(kind) for _source, measured in measure_sources([source])}
            advance(len(source.cuts))
    return {clip: sounds[key] for clip, key in wanted.keys.items()} | dict(wanted.unreadable)


def _from_store(
    clips: Mapping[Clip, str], kind: str, folder: Path, workers: int | None
) -> tuple[dict[Clip, Sound], set[Clip]]:
    if not clips:
        return {}, set()
    wanted = _look(clips, kind, folder)
    parts = Parts(folder)
    new = {clip for clip, key in wanted.keys.items() if key not in parts}
    if new:
        _prepare(_sources(clips, wanted, kind, parts), folder, workers)
        parts.refresh()
    sounds = dict(wanted.unreadable)
    for clip, key in wanted.keys.items():  # a key still unknown: its file went while we worked
        known = key in parts
        if not known and clip.path.is_file():
            raise SentirError(
                _("The store of prepared sound {folder} was deleted in part while it was filled; run again.",
                  folder=folder)
            )  # fmt: skip
        sounds[clip] = (
            parts.sound(key, kind=kind, path=clip.path) if known else _unreadable(missing(clip.path), kind)
        )
    return sounds, new


def _prepare(sources: Sequence[Source], folder: Path, workers: int | None) -> None:
    """Measure what the store lacks, part by part."""
    _require_writable(folder)
    total = sum(len(source.cuts) for source in sources)
    workers = workers or os.cpu_count() or 1
    rounds = -(-total // (workers * _PART))  # in each of which every worker makes one part
    chunks = _chunks(sources, max(_SMALLEST, -(-total // (workers * rounds))))
    workers = 1 if total < _FEW else min(workers, len(chunks))
    with task(_("Listening"), total) as advance:
        if workers > 1:
            _in_parallel(chunks, folder, workers, advance)
        for chunk in chunks if workers == 1 else ():
            advance(measure_part(chunk, folder))


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise unwritable(folder, error) from error


def _chunks(sources: Iterable[Source], size: int) -> list[list[Source]]:
    """Cut a list of sources into runs of about ``size`` clips."""
    chunks: list[list[Source]] = []
    clips = size
    for source in sources:
        if clips >= size:
            chunks.append([])
            clips = 0
        chunks[-1].append(source)
        clips += len(source.cuts)
    return chunks


def measure_part(sources: Sequence[Source], folder: Path) -> int:
    """Measure some sources into one part, and return how many clips they had; a file that is gone is not kept."""
    found = measure_sources(sources)
    if kept := [(source, measured) for source, measured in found if measured.problem_kind != "missing"]:
        write_part(folder, kept)
    return len(found)


def _in_parallel(
    chunks: Sequence[Sequence[Source]], folder: Path, workers: int, advance: Callable[[int], None]
) -> None:
    """Let fresh processes do it, for a fork beside the threads of torch may hang."""
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=start_worker, initargs=(language(),)
    )
    try:
        futures: list[Future[int]] = [pool.submit(measure_part, chunk, folder) for chunk in chunks]
        for future in as_completed(futures):
            advance(future.result())
    except BrokenProcessPool as error:
        raise SentirError(
            _("A process that decodes was ended from outside, often for lack of memory; run again with fewer "
              "workers: what was prepared is kept.")
        ) from error  # fmt: skip
    finally:
        pool.shutdown(cancel_futures=True)
