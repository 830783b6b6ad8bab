"""EmoBox's manifests: finding and reading them.

``data/<dataset>/fold_<n>/<dataset>_<split>_fold_<n>.jsonl`` has a JSON object per clip: key, dataset, wav, emo,
length, channel, and start_time and end_time where many clips share a file. ``label_map.json`` (in one corpus
``label_dict.json``) maps ``emo`` to EmoBox's labels. Format: https://github.com/emo-box/EmoBox.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentir.corpus.label_synonyms import EMOTION_BY_SYNONYM, fold_word
from sentir.errors import CorpusError
from sentir.files.text_encoding import read_text
from sentir.i18n import _

_NO_LABEL = frozenset(("no agreement", "unknown"))  # EmoBox's labels of clips without one
_SPLITS = {"train": "train", "valid": "dev", "test": "test"}


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """A clip in a manifest.

    Attributes:
        key: unique in its corpus, ``ravdess-03-01-07-02-02-02-11``.
        wav: path as in the manifest, ``downloads/ravdess/…``.
        label: in Sentir's words; ``None`` if annotators did not agree.
        start, end: in seconds; ``None`` for the whole file.
    """

    key: str
    wav: str
    label: str | None
    start: float | None
    end: float | None


def find_dataset(root: Path, name: str | None) -> Path:
    """Return the folder of the manifests of a corpus, at or below ``root``.

    Raises:
        CorpusError: if there is none, or several and no name.
    """
    folders = {
        path.parent.name: path.parent
        for pattern in ("fold_1", "*/fold_1", "*/*/fold_1")
        for path in sorted(root.glob(pattern), reverse=True)
        if path.is_dir()
    }
    if name is None and len(folders) == 1:
        return next(iter(folders.values()))
    if name in folders:
        return folders[name]
    if not folders:
        raise CorpusError(
            _("Under {root} there are no manifests of EmoBox, such as data/ravdess/fold_1/…; give a copy of its "
              "repository.", root=root)
        )  # fmt: skip
    raise CorpusError(
        _("Name one of EmoBox's corpora in 'data.emobox.dataset'; {root} has: {known}.",
          root=root, known=", ".join(sorted(folders)))
    )  # fmt: skip


def list_folds(folder: Path) -> list[int]:
    """Return the numbers of the folds of a corpus, in order."""
    names = (path.name.removeprefix("fold_") for path in folder.glob("fold_*") if path.is_dir())
    return sorted(int(name) for name in names if name.isdecimal())


def read_fold(folder: Path, fold: int) -> dict[str, list[ManifestRow]]:
    """Return split → rows of a fold; dev is there only if EmoBox has one.

    Raises:
        CorpusError: if the fold or a manifest is missing or is not as published, or a label is not in the map.
    """
    if fold not in list_folds(folder):
        known = ", ".join(map(str, list_folds(folder)))
        raise CorpusError(
            _("'data.emobox.fold': {corpus} has no fold {fold}; it has: {known}.",
              corpus=folder.name, fold=fold, known=known)
        )  # fmt: skip
    label_map = _read_label_map(folder)
    rows = {}
    for name, split in _SPLITS.items():
        path = folder / f"fold_{fold}" / f"{folder.name}_{name}_fold_{fold}.jsonl"
        if path.is_file():
            rows[split] = _read_manifest(path, label_map)
        elif split != "dev":
            raise CorpusError(_("There is no file {path}.", path=path))
    return rows


def _read_label_map(folder: Path) -> dict[str, str | None]:
    """Return emotion code → label in Sentir's words; also by lower-case code."""
    path = next((path for path in sorted(folder.glob("label_*.json")) if path.is_file()), None)
    if path is None:
        raise CorpusError(_("There is no file {path}.", path=folder / "label_map.json"))
    names = _parse_object(read_text(path), str(path))
    labels = {code: _to_label(str(name)) for code, name in names.items()}
    return {code.lower(): label for code, label in labels.items()} | labels


def _to_label(name: str) -> str | None:
    word = fold_word(name)
    return None if word in _NO_LABEL else EMOTION_BY_SYNONYM.get(word, word)


def _read_manifest(path: Path, label_map: Mapping[str, str | None]) -> list[ManifestRow]:
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = _("{file}, line {line}", file=path.name, line=number)
        row = _parse_object(line, where)
        if missing := [name for name in ("key", "wav", "emo") if not isinstance(row.get(name), str)]:
            raise CorpusError(
                _("{where} has no text in '{name}'; use EmoBox's file as published.",
                  where=where, name=missing[0])
            )  # fmt: skip
        code = row["emo"] if row["emo"] in label_map else row["emo"].lower()
        if code not in label_map:
            raise CorpusError(
                _("{where}: '{label}' is not in EmoBox's label map; use both files of the same version.",
                  where=where, label=row["emo"])
            )  # fmt: skip
        times = (_parse_seconds(row, name, where) for name in ("start_time", "end_time"))
        rows.append(ManifestRow(row["key"], row["wav"], label_map[code], *times))
    return rows


def _parse_seconds(row: Mapping[str, Any], name: str, where: str) -> float | None:
    seconds = row.get(name)
    if seconds is not None and not (type(seconds) in (int, float) and math.isfinite(seconds)):
        raise CorpusError(
            _("{where} has no number in '{name}'; use EmoBox's file as published.", where=where, name=name)
        )
    return seconds


def _parse_object(text: str, where: str) -> dict[str, Any]:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorpusError(
            _("{where} is not JSON ({why}); use EmoBox's file as published.", where=where, why=error)
        ) from error
    if not isinstance(tree, dict):
        raise CorpusError(
            _("{where} is not JSON ({why}); use EmoBox's file as published.", where=where, why=_("no object"))
        )
    return tree
