"""Reader of EmoBox's manifests: published folds of 32 speech corpora, https://arxiv.org/abs/2406.07162.

In its code, a train split without a dev split is cut at random, and missing files are left out. Here dev is cut
by speaker, the same for everyone, and missing files are listed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.utterances import Clip, Issue, Utterance
from sentir.errors import CorpusError
from sentir.files.media_files import is_media_file, walk_folders
from sentir.i18n import _, format_count
from sentir.readers.emobox.manifests import ManifestRow, find_dataset, list_folds, read_fold
from sentir.readers.emobox.speakers import find_speaker
from sentir.recipe import DataSettings, EmoboxSettings

_MIN_SPEAKERS = 3  # of train, to cut dev by speaker


def read(root: Path, data: DataSettings) -> Corpus:
    """Read one fold; with ``data.folds`` all folds: everything is train, and ``fold`` is where a clip is test.

    Args:
        root: copy of EmoBox's repository, with the clips in ``downloads`` if ``data.emobox.audio_root`` is not
            set.
        data: the recipe's section. The clips are attached whether or not ``data.audio`` is set.

    Raises:
        CorpusError: if a manifest is missing or is not as published, or none of the clips exists.
    """
    settings = data.settings_of(EmoboxSettings)
    folder = find_dataset(root, settings.dataset)
    issues: list[Issue] = []
    splits = read_fold(folder, settings.fold)
    name, speakers = folder.name, _find_speakers(folder.name, splits)
    if data.folds is None and "dev" not in splits:
        splits = _cut_dev(splits, speakers, settings, issues)
    rows = [(row, split) for split, part in splits.items() for row in part]
    paths = _find_clips(root, name, settings.audio_root, [row for row, _split in rows], issues)
    utterances = [
        Utterance(
            id=f"{name}/{row.key}",
            split="train" if data.folds is not None else split,
            dialogue=f"{name}/{row.key}",
            speaker=speakers.get(row.key),
            clip=Clip(paths[row.key], row.start, row.end),
            labels={} if row.label is None else {"emotion": (row.label,)},
        )
        for row, split in rows
    ]
    units = _find_units(name, splits, speakers, issues)
    slices = {} if data.folds is None else {"fold": _find_folds(folder, name)}
    labels = sorted({row.label for row, _split in rows if row.label is not None})
    space = SingleLabelSpace("emotion", tuple(labels))
    return Corpus.build(name, utterances, [space], issues=issues, groups=units, slices=slices)


def _find_speakers(dataset: str, splits: Mapping[str, Sequence[ManifestRow]]) -> dict[str, str]:
    """Return key → speaker, where the key has it."""
    keys = (row.key for rows in splits.values() for row in rows)
    return {key: speaker for key in keys if (speaker := find_speaker(dataset, key)) is not None}


def _cut_dev(
    splits: Mapping[str, list[ManifestRow]],
    speakers: Mapping[str, str],
    settings: EmoboxSettings,
    issues: list[Issue],
) -> dict[str, list[ManifestRow]]:
    """Move whole speakers, or single clips if there are too few, from train to dev."""
    train = splits["train"]
    own = {speakers[row.key] for row in train if row.key in speakers}
    by_speaker = len(own) >= _MIN_SPEAKERS and all(row.key in speakers for row in train)
    unit_of = {row.key: speakers[row.key] if by_speaker else row.key for row in train}
    units = sorted(set(unit_of.values()), key=lambda unit: _hash(settings.seed, unit))
    dev = set(units[: max(1, round(settings.dev_fraction * len(units)))])
    message = (
        _("EmoBox has no dev split; {n} speakers of train are dev.", n=format_count(len(dev)))
        if by_speaker
        else _("EmoBox has no dev split, and too few known speakers; {n} clips of train are dev, so speakers "
               "may be in both.", n=format_count(len(dev)))
    )  # fmt: skip
    issues.append(Issue("split_generated", "note", message, "train"))
    return {
        "train": [row for row in train if unit_of[row.key] not in dev],
        "dev": [row for row in train if unit_of[row.key] in dev],
        "test": splits["test"],
    }


def _hash(seed: int, unit: str) -> str:
    return hashlib.sha256(f"{seed}/{unit}".encode()).hexdigest()


def _find_units(
    name: str,
    splits: Mapping[str, Sequence[ManifestRow]],
    speakers: Mapping[str, str],
    issues: list[Issue],
) -> dict[str, dict[str, str]]:
    """Return the groups that folds keep whole: speakers, or clips where EmoBox itself divides speakers."""
    own = {split: {speakers.get(row.key) for row in rows} - {None} for split, rows in splits.items()}
    shared = (own["train"] | own.get("dev", set())) & own["test"]
    keys = [row.key for rows in splits.values() for row in rows]
    if not shared and all(key in speakers for key in keys):
        return {"speaker": {f"{name}/{key}": speakers[key] for key in keys}}
    if shared:
        message = _(
            "EmoBox has {n} speakers of test in train too: its scores do not apply to unseen speakers.",
            n=format_count(len(shared)),
        )
        issues.append(Issue("speakers_shared", "warning", message, name))
    return {"clip": {f"{name}/{key}": key for key in keys}}


def _find_folds(folder: Path, name: str) -> dict[str, str]:
    """Return id → the fold that a clip is test in; none if there is only one fold."""
    folds = list_folds(folder)
    if len(folds) == 1:
        return {}
    return {f"{name}/{row.key}": str(n) for n in folds for row in read_fold(folder, n)["test"]}


def _find_clips(
    root: Path, name: str, audio_root: Path | None, rows: Iterable[ManifestRow], issues: list[Issue]
) -> dict[str, Path]:
    """Return key → path: as in the manifest, else the only file of that name and any suffix.

    Raises:
        CorpusError: if no clip exists.
    """
    downloads = PurePosixPath("downloads", name)
    base = root / downloads if audio_root is None else audio_root
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for folder, files in walk_folders(base) if base.is_dir() else ():
        for file in filter(is_media_file, files):
            by_stem[Path(file).stem].append(folder / file)
    paths, missing = {}, []
    for row in rows:
        wav = PurePosixPath(row.wav)
        path = base / (wav.relative_to(downloads) if wav.is_relative_to(downloads) else wav)
        same = by_stem.get(wav.stem, [])
        if path not in same and len(same) == 1:
            path = same[0]
        elif path not in same:
            missing.append((row.key, path))
        paths[row.key] = path
    if len(missing) == len(paths):
        raise CorpusError(
            _("None of the clips of {corpus} is in {folder}; put them there, or set 'data.emobox.audio_root'.",
              corpus=name, folder=base)
        )  # fmt: skip
    for key, path in missing:
        message = _("There is no file {path}.", path=path)
        issues.append(Issue("audio_file_missing", "problem", message, f"{name}/{key}"))
    return paths
