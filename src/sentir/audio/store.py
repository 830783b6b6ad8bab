"""Audio features of utterances: each clip is decoded once, and its features are stored by content.

The key of a clip is a hash of its file's content, its time range, and how its features are extracted; paths and
names are not part of it, so that a store and a corpus can be moved. See ``docs/decisions/audio-store.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import SPLITS, AudioFeatures, Clip, Utterance
from sentir.engines.local import LocalEngine
from sentir.engines.running import run_shards
from sentir.engines.shards import Engine, Receipt, Shard
from sentir.errors import AudioError, SentirError
from sentir.i18n import _
from sentir.io import make_writable_folder
from sentir.paths import audio_dir
from sentir.progress import track
from sentir.worker_processes import count_cores

_MAX_CLIPS_PER_PART = 256  # what a killed run loses at most, of each worker
_MIN_CLIPS_PER_PART = 16  # small parts keep all workers busy
_MIN_CLIPS_FOR_WORKERS = 64  # fewer are extracted before workers would have started


def attach_audio(
    utterances: Sequence[Utterance],
    *,
    mel_kind: str | None = None,
    folder: Path | None = None,
    workers: int | None = None,
    health_only: bool = False,
) -> list[Utterance]:
    """Return the same utterances in the same order, each with its ``audio``.

    An unusable clip has a reason in ``AudioFeatures.problem``; no error is raised. Utterances without a split
    belong to no corpus: their clips are decoded in memory and not stored. Worker processes are spawned, so a
    script that calls this needs ``if __name__ == "__main__":``.

    Args:
        utterances: those that already have audio features of this kind keep them; if all have, the store is not
            opened.
        mel_kind: ``mel`` or ``thesis``; by default any that is attached, and ``mel`` where none is.
        folder: the store; `sentir.paths.audio_dir` if not given.
        workers: processes that decode; one per core if not given.
        health_only: whether descriptors that are feature sets are left out of what is decoded in memory.

    Raises:
        SentirError: if the store cannot be written.
    """
    return extract_audio(utterances, mel_kind=mel_kind, folder=folder, workers=workers, health_only=health_only)[
        0
    ]


def attach_corpus_audio(corpus: Corpus, *, mel_kind: str, splits: Sequence[str] = SPLITS) -> Corpus:
    """Return the corpus with the audio of some splits attached; the same corpus if it is attached already.

    Raises:
        SentirError: as `attach_audio`.
    """
    rows = [u for u in corpus if u.split in splits]
    if all(_has_audio(u, mel_kind) for u in rows):
        return corpus
    attached = {u.id: u for u in attach_audio(rows, mel_kind=mel_kind)}
    return replace(corpus, utterances=tuple(attached.get(u.id, u) for u in corpus))


def _has_audio(u: Utterance, mel_kind: str | None) -> bool:
    return u.audio is not None and mel_kind in (None, u.audio.mel_kind)


def extract_audio(
    utterances: Sequence[Utterance],
    *,
    mel_kind: str | None,
    folder: Path | None = None,
    workers: int | None = None,
    health_only: bool = False,
    engine: Engine | None = None,
) -> tuple[list[Utterance], set[Clip]]:
    """Do what `attach_audio` does; also return the corpus clips that were decoded, not found in the store.

    Args:
        utterances, mel_kind, folder, workers, health_only: see `attach_audio`.
        engine: decodes instead of processes of this machine.
    """
    clips: dict[bool, dict[Clip, str]] = {True: {}, False: {}}  # is it of a corpus → clip → first utterance id
    for u in utterances:
        if u.clip and not _has_audio(u, mel_kind):
            clips[bool(u.split)].setdefault(u.clip, u.id)
    kind = mel_kind or "mel"
    stored, new = _load_or_extract(clips[True], kind, folder or audio_dir(), workers, engine)
    extracted = {True: stored, False: _extract_in_memory(clips[False], kind, health_only)}

    def with_audio(u: Utterance) -> Utterance:
        if _has_audio(u, mel_kind):
            return u
        return replace(u, audio=extracted[bool(u.split)][u.clip] if u.clip else _missing_clip_features(u, kind))

    return [with_audio(u) for u in utterances], new


def _missing_clip_features(utterance: Utterance, mel_kind: str) -> AudioFeatures:
    return AudioFeatures(
        problem=_("{id} has no audio.", id=utterance.id), problem_kind="missing", mel_kind=mel_kind
    )


def _unreadable_features(error: AudioError, mel_kind: str) -> AudioFeatures:
    return AudioFeatures(problem=str(error), problem_kind=error.kind, mel_kind=mel_kind)


@dataclass(frozen=True)
class _KeyedClips:
    """The keys of clips; for clips without one, audio features with the reason."""

    keys: Mapping[Clip, str]
    digests: Mapping[Clip, str]
    unreadable_features: Mapping[Clip, AudioFeatures]


def _compute_clip_keys(clips: Mapping[Clip, str], mel_kind: str, folder: Path | None) -> _KeyedClips:
    hashes = hash_files(dict.fromkeys(clip.path for clip in clips if clip.content is None), folder)
    found = {clip: hashes[clip.path] if clip.content is None else clip.content.digest for clip in clips}
    digests = {clip: digest for clip, digest in found.items() if isinstance(digest, str)}
    errors = {clip: error for clip, error in found.items() if isinstance(error, AudioError)}
    return _KeyedClips(
        keys={clip: compute_audio_key(digest, clip, mel_kind) for clip, digest in digests.items()},
        digests=digests,
        unreadable_features={clip: _unreadable_features(error, mel_kind) for clip, error in errors.items()},
    )


def _group_by_media_file(
    clips: Mapping[Clip, str], keyed: _KeyedClips, mel_kind: str, stored: StoreParts | frozenset[str]
) -> list[MediaFile]:
    """Group the clips that are not stored by the content of their file, each key once."""
    files: dict[tuple[str, bool], Clip] = {}
    segments: dict[tuple[str, bool], dict[str, Segment]] = {}
    for clip, key in keyed.keys.items():
        if key not in stored:
            content = (keyed.digests[clip], is_spectrogram_file(clip.path))
            files.setdefault(content, clip)
            segments.setdefault(content, {}).setdefault(key, Segment(key, clips[clip], clip.start, clip.end))
    return [
        MediaFile(clip.path, content[0], mel_kind, tuple(segments[content].values()), content=clip.content)
        for content, clip in files.items()
    ]


def _extract_in_memory(clips: Mapping[Clip, str], mel_kind: str, health_only: bool) -> dict[Clip, AudioFeatures]:
    if not clips:
        return {}
    keyed = _compute_clip_keys(clips, mel_kind, None)
    media_files = _group_by_media_file(clips, keyed, mel_kind, frozenset())
    media_files = [replace(one, health_only=health_only) for one in media_files]
    extracted = extract_media_files(track(media_files, _("Decoding audio"), len(media_files)))
    by_key = {one.segment.key: one.to_audio_features(mel_kind) for _file, one in extracted}
    return {clip: by_key[key] for clip, key in keyed.keys.items()} | dict(keyed.unreadable_features)


def _load_or_extract(
    clips: Mapping[Clip, str], mel_kind: str, folder: Path, workers: int | None, engine: Engine | None
) -> tuple[dict[Clip, AudioFeatures], set[Clip]]:
    if not clips:
        return {}, set()
    keyed = _compute_clip_keys(clips, mel_kind, folder)
    parts = StoreParts(folder)
    new = {clip for clip, key in keyed.keys.items() if key not in parts}
    given_up: Mapping[str, str] = {}
    if new:
        given_up = _extract_missing(_group_by_media_file(clips, keyed, mel_kind, parts), folder, workers, engine)
        parts.refresh()
    features = dict(keyed.unreadable_features)
    for clip, key in keyed.keys.items():
        if key in parts:
            features[clip] = parts.load(key, mel_kind=mel_kind, path=clip.path)
        elif keyed.digests[clip] in given_up:
            error = AudioError("undecodable", f"{clip.path}: {given_up[keyed.digests[clip]]}")
            features[clip] = _unreadable_features(error, mel_kind)
        elif clip.path.is_file():
            raise SentirError(
                _("The audio store {folder} lost files while it was filled; run again.", folder=folder)
            )
        else:  # deleted in the meantime
            features[clip] = _unreadable_features(missing_file_error(clip.path), mel_kind)
    return features, new


def _extract_missing(
    media_files: Sequence[MediaFile], folder: Path, workers: int | None, engine: Engine | None
) -> Mapping[str, str]:
    """Extract the clips that the store lacks, part by part.

    Returns:
        Digest of a file that killed the processes that decoded it → a sentence; it is tried again next time.
    """
    _check_writable(folder)
    total = sum(len(media_file.segments) for media_file in media_files)
    workers = workers or count_cores()
    rounds = -(-total // (workers * _MAX_CLIPS_PER_PART))  # each worker writes one part per round
    chunks = _split_into_chunks(media_files, max(_MIN_CLIPS_PER_PART, -(-total // (workers * rounds))))
    workers = 1 if total < _MIN_CLIPS_FOR_WORKERS else min(workers, len(chunks))
    shards = [Shard(str(n), tuple(chunk)) for n, chunk in enumerate(chunks)]
    receipts = run_shards(engine or LocalEngine(workers), shards, Extraction(folder), _("Decoding audio"))
    return {one.facts["digest"]: one.problems[0] for one in receipts if one.problems}


@dataclass(frozen=True)
class Extraction:
    """The work of filling a store: each shard, some files, becomes a part of it.

    Attributes:
        store: its folder, whose parts show what is finished.
    """

    store: Path
    folder: None = None

    def open(self) -> Callable[[Shard], Receipt]:
        """Return the function that extracts a shard."""
        return self._extract

    def _extract(self, shard: Shard) -> Receipt:
        clips = extract_part(shard.references[shard.start : shard.stop], self.store)
        return Receipt(shard.id, counts={"clips": clips})

    def count_units(self, shard: Shard) -> int:
        """Return the number of files."""
        return len(shard.references)

    def give_up(self, shard: Shard, why: str) -> Receipt:
        """Return the problem of a file."""
        (file,) = shard.references[shard.start : shard.stop]
        return Receipt(shard.id, problems=(why,), facts={"digest": file.digest})


def _check_writable(folder: Path) -> None:
    try:
        make_writable_folder(folder)
    except OSError as error:
        raise store_write_error(folder, error) from error


def _split_into_chunks(media_files: Iterable[MediaFile], size: int) -> list[list[MediaFile]]:
    """Split a list of files into chunks of about ``size`` clips."""
    chunks: list[list[MediaFile]] = []
    clips = size
    for media_file in media_files:
        if clips >= size:
            chunks.append([])
            clips = 0
        chunks[-1].append(media_file)
        clips += len(media_file.segments)
    return chunks


def extract_part(media_files: Sequence[MediaFile], folder: Path) -> int:
    """Extract files into one part, without those that are gone; return how many clips were extracted."""
    extracted = extract_media_files(media_files)
    if stored := [(file, features) for file, features in extracted if features.problem_kind != "missing"]:
        write_part(folder, stored)
    return len(extracted)
