"""Automatic discovery of corpora, in folders that data sets are attached or downloaded to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sentir.errors import CorpusError
from sentir.files.folders import find_by_level, find_newest_version
from sentir.i18n import _
from sentir.paths import PathLike
from sentir.readers import read_corpus
from sentir.readers.final_specs import MARKER_FILES, SPEC_FOLDER
from sentir.recipe import DataSettings, FinalSpecsSettings

_ARCHIVE_NAMES = {"meld": {"MELD.Raw.tar.gz"}, "mosei": set[str]()}  # archives that contain the corpus


def find_corpora(folder: PathLike) -> dict[str, DataSettings]:
    """Find MELD and CMU-MOSEI in the subfolders of ``folder``.

    A data set is a folder in ``folder``, or two levels below ``folder/datasets``, as in Kaggle's notebooks. Of
    several copies the one with most clips is used. If none has clips but the thesis' spectrograms are there,
    they are its audio.

    Args:
        folder: such as ``/kaggle/input``; it need not exist.

    Returns:
        ``meld``, ``mosei`` or both → the settings to read it with; ``audio`` is true if there is any.

    Raises:
        CorpusError: if something that looks like one of the corpora cannot be read.
    """
    data_sets = list(_find_data_sets(Path(folder)))
    corpora = {}
    for name in MARKER_FILES:
        copies = []
        for root in data_sets:
            wanted = (MARKER_FILES[name] | _ARCHIVE_NAMES[name]).__contains__
            if any(find_by_level(find_newest_version(root), wanted)):
                data = DataSettings(reader=name, root=root, audio=True)
                num_clips = sum(u.clip is not None for u in read_corpus(data))
                copies.append((num_clips, data.model_copy(update={"audio": num_clips > 0})))
        if copies:
            num_clips, data = max(copies, key=lambda copy: copy[0])
            corpora[name] = data if num_clips else _with_spectrograms(name, data, data_sets)
    return corpora


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


def _with_spectrograms(name: str, data: DataSettings, data_sets: list[Path]) -> DataSettings:
    """Return the settings to read a corpus without clips with the thesis' spectrograms, if they are there."""
    for root in data_sets:
        folders = [folder.name for depth in ("*", "*/*", "*/*/*") for folder in root.glob(depth)]
        if any(SPEC_FOLDER.fullmatch(folder) and folder.startswith(name) for folder in folders):
            return DataSettings(
                reader="final_specs",
                root=root,
                audio=True,
                final_specs=FinalSpecsSettings(text_root=data.root),
            )
    return data
