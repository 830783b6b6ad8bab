"""Corpora found by themselves, among folders where data sets are attached or were downloaded to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sentir.errors import CorpusError
from sentir.files.folders import find_by_level, find_newest_version
from sentir.i18n import _
from sentir.paths import PathLike
from sentir.readers import read_corpus
from sentir.readers.final_specs import _MARKER_FILES, _SPEC_FOLDER
from sentir.recipe import DataSettings, FinalSpecsSettings

_ARCHIVE_NAMES = {"meld": {"MELD.Raw.tar.gz"}, "mosei": set[str]()}  # archives that hold what is looked for


def find_corpora(folder: PathLike) -> dict[str, DataSettings]:
    """Find MELD and CMU-MOSEI in the folders that lie in ``folder``, and say how each is read.

    A data set is a folder in ``folder``, or two below ``place/datasets``, where Kaggle's notebooks have it too. Of
    several copies the one with most clips is taken. Where none has clips, but the thesis' spectrograms are there,
    these are its sound.

    Args:
        folder: such as ``/kaggle/input``; one that does not exist holds nothing.

    Returns:
        ``meld``, ``mosei`` or both → what to read; ``sound`` says whether there is any.

    Raises:
        CorpusError: if something that looks like one of the corpora cannot be read.
    """
    sets = list(_find_data_sets(Path(folder)))
    found = {}
    for name in _MARKER_FILES:
        copies = [_count_clips(name, root) for root in sets if _contains_corpus(root, name)]
        if copies:
            clips, data = max(copies, key=lambda copy: copy[0])
            found[name] = data if clips else _with_spectrograms(name, data, sets)
    return found


def _find_data_sets(parent: Path) -> Iterator[Path]:
    try:
        folders = sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
    except FileNotFoundError:
        return
    except OSError as error:
        raise CorpusError(_("{path} cannot be listed: {why}.", path=parent, why=error.strerror)) from error
    for folder in folders:
        if folder.name == "datasets":
            yield from sorted(path for path in folder.glob("*/*") if path.is_dir())
        else:
            yield folder


def _contains_corpus(root: Path, name: str) -> bool:
    signs = _MARKER_FILES[name] | _ARCHIVE_NAMES[name]
    return any(level for level in find_by_level(find_newest_version(root), signs.__contains__))


def _count_clips(name: str, root: Path) -> tuple[int, DataSettings]:
    """Return how many clips a copy has, and how it is read."""
    data = DataSettings(reader=name, root=root, audio=True)
    clips = sum(u.clip is not None for u in read_corpus(data))
    return clips, data.model_copy(update={"audio": clips > 0})


def _with_spectrograms(name: str, data: DataSettings, sets: list[Path]) -> DataSettings:
    """Return how a corpus without clips is read with the thesis' spectrograms, if they are there."""
    for root in sets:
        folders = [folder.name for depth in ("*", "*/*", "*/*/*") for folder in root.glob(depth)]
        if any(_SPEC_FOLDER.fullmatch(folder) and folder.startswith(name) for folder in folders):
            return DataSettings(
                reader="final_specs",
                root=root,
                audio=True,
                final_specs=FinalSpecsSettings(text_root=data.root),
            )
    return data
