"""Corpora found by themselves, among folders where data sets are attached or were downloaded to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sentir.errors import CorpusError
from sentir.files.folders import levels, newest_version
from sentir.i18n import _
from sentir.paths import Place
from sentir.readers import read_corpus
from sentir.readers.final_specs import _FOLDER, _SIGNS
from sentir.recipe import Data

_PACKED = {"meld": {"MELD.Raw.tar.gz"}, "mosei": set[str]()}  # archives that hold what is looked for


def find_corpora(place: Place) -> dict[str, Data]:
    """Find MELD and CMU-MOSEI in the folders that lie in ``place``, and say how each is read.

    A data set is a folder in ``place``, or two below ``place/datasets``, where Kaggle's notebooks have it too. Of
    several copies the one with most clips is taken. Where none has clips, but the thesis' spectrograms are there,
    these are its sound.

    Args:
        place: such as ``/kaggle/input``; one that does not exist holds nothing.

    Returns:
        ``meld``, ``mosei`` or both → what to read; ``sound`` says whether there is any.

    Raises:
        CorpusError: if something that looks like one of the corpora cannot be read.
    """
    sets = list(_data_sets(Path(place)))
    found = {}
    for name in _SIGNS:
        copies = [_with_sound(name, root) for root in sets if _holds(root, name)]
        if copies:
            clips, data = max(copies, key=lambda copy: copy[0])
            found[name] = data if clips else _with_pictures(name, data, sets)
    return found


def _data_sets(place: Path) -> Iterator[Path]:
    try:
        folders = sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))
    except FileNotFoundError:
        return
    except OSError as error:
        raise CorpusError(_("{path} cannot be listed: {why}.", path=place, why=error.strerror)) from error
    for folder in folders:
        if folder.name == "datasets":
            yield from sorted(path for path in folder.glob("*/*") if path.is_dir())
        else:
            yield folder


def _holds(root: Path, name: str) -> bool:
    signs = _SIGNS[name] | _PACKED[name]
    return any(level for level in levels(newest_version(root), signs.__contains__))


def _with_sound(name: str, root: Path) -> tuple[int, Data]:
    """Return how many clips a copy has, and how it is read."""
    data = Data(reader=name, root=root, sound=True)
    clips = sum(u.clip is not None for u in read_corpus(data))
    return clips, data.model_copy(update={"sound": clips > 0})


def _with_pictures(name: str, data: Data, sets: list[Path]) -> Data:
    """Return how a corpus without clips is read with the thesis' spectrograms, if they are there."""
    for root in sets:
        folders = [folder.name for depth in ("*", "*/*", "*/*/*") for folder in root.glob(depth)]
        if any(_FOLDER.fullmatch(folder) and folder.startswith(name) for folder in folders):
            return Data(reader="final_specs", root=root, text_root=data.root, sound=True)
    return data
