"""Demo corpora: a MELD-shaped and a MOSEI-shaped tree of files, written from a grammar and read as real data is.

Nothing of them was said by anyone: they are for trying Sentir out and for tests, and a `Corpus` read from them is
marked synthetic. Their tables are the same bytes on every machine, with or without sound.
`sentir.readers.demo_script` has what is said, `demo_voice` how, and `demo_media` the recordings.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentir.corpus.types import Corpus
from sentir.errors import CorpusError
from sentir.i18n import _, mark
from sentir.places import cache_dir
from sentir.readers import meld, mosei
from sentir.readers.demo_media import Recording, meld_litter, meld_recordings, mosei_recordings, record
from sentir.readers.demo_script import meld_tables, mosei_tables
from sentir.readers.demo_voice import voice_version
from sentir.recipe import Data
from sentir.registry import Registry


@dataclass(frozen=True)
class Tree:
    """The files of a demo corpus: contents, and recordings to be made, by their path."""

    contents: Mapping[str, bytes]
    recordings: Sequence[Recording] = field(default=())

    @property
    def names(self) -> set[str]:
        """Paths of all its files."""
        return {*self.contents, *(recording.path for recording in self.recordings)}


def meld_tree(*, sound: bool) -> Tree:
    """Return the demo conversations, their tables alone or with clips."""
    return Tree(meld_tables() | meld_litter(), meld_recordings()) if sound else Tree(meld_tables())


def mosei_tree(*, sound: bool) -> Tree:
    """Return the demo monologues, their tables alone or with videos."""
    return Tree(mosei_tables(), mosei_recordings() if sound else ())


DEMOS = Registry(mark("demo corpus"), {"meld": meld_tree, "mosei": mosei_tree})


@dataclass(frozen=True, slots=True)
class Written:
    """A demo corpus on disk: the reader that reads it, its folder, and how many tables and recordings it has."""

    reader: str
    folder: Path
    tables: int
    recordings: int


def read_meld(root: Path | None, data: Data) -> Corpus:
    """Read the demo corpus of conversations, with the reader of MELD.

    Args:
        root: not used; the files are generated, and kept in the cache.
        data: the recipe's ``data`` section; with ``sound`` the conversations are spoken, once, in minutes.

    Raises:
        CorpusError: if the cache cannot be written, or espeak-ng cannot be used.
    """
    place = _cached(meld_tree(sound=data.sound))
    return meld.read_tree(place, name="demo-meld", synthetic=True, sound=data.sound, twins=data.twins)


def read_mosei(root: Path | None, data: Data) -> Corpus:
    """Read the demo corpus of monologues, with the reader of CMU-MOSEI; arguments as in `read_meld`.

    Raises:
        CorpusError: if the cache cannot be written, or espeak-ng cannot be used.
    """
    place = _cached(mosei_tree(sound=data.sound))
    return mosei.read_tree(place, name="demo-mosei", synthetic=True, sound=data.sound)


def write_demo(out: Path, *, corpora: Sequence[str] = ("meld", "mosei")) -> list[Written]:
    """Write demo corpora that speak to ``out/meld`` and ``out/mosei``, as the downloads of the real ones lie.

    Args:
        out: folder; made if it is not there.
        corpora: ``meld``, ``mosei`` or both.

    Raises:
        UnknownNameError: if there is no such demo corpus.
        CorpusError: if a folder already holds something, or espeak-ng cannot be used.
        OSError: if the files cannot be written.
    """
    makers = {name: DEMOS.get(name) for name in corpora}
    for place in (out / name for name in makers):
        if place.is_dir() and any(place.iterdir()):
            raise CorpusError(
                _("{folder} is already there, and nothing in it is changed; give another --out.", folder=place)
            )
    written = []
    for name, make in makers.items():
        tree = make(sound=True)
        write_tree(tree, out / name)
        tables = sum(path.endswith(".csv") for path in tree.contents)
        written.append(Written(name, out / name, tables, len(tree.recordings)))
    return written


def write_tree(tree: Tree, place: Path) -> None:
    """Write a demo corpus to a folder that is not there yet; it appears when it is complete.

    Raises:
        CorpusError: if espeak-ng cannot be used.
        OSError: if the files cannot be written, or the folder holds something.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    drafts = Path(tempfile.mkdtemp(prefix="draft-", dir=place.parent))
    draft = drafts / place.name
    try:
        for name, content in tree.contents.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if tree.recordings:
            record(tree.recordings, draft)
        os.replace(draft, place)
    finally:
        shutil.rmtree(drafts, ignore_errors=True)


def _holds(place: Path, tree: Tree) -> bool:
    found = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    return found == tree.names and all((place / n).read_bytes() == c for n, c in tree.contents.items())


def _cached(tree: Tree) -> Path:
    """Return the cache folder that holds exactly these files; one that holds anything else is written anew."""
    digest = hashlib.sha256(voice_version().encode() if tree.recordings else b"")
    for name, content in tree.contents.items():
        digest.update(name.encode() + b"\0" + content)
    place = cache_dir() / "demo" / digest.hexdigest()[:16]
    if _holds(place, tree):
        return place
    try:
        shutil.rmtree(place, ignore_errors=True)
        write_tree(tree, place)
    except OSError as error:
        if not _holds(place, tree):  # else another process was faster, with the same content
            raise CorpusError(
                _(
                    "The demo corpus cannot be written to {folder} ({reason}); "
                    "set SENTIR_CACHE_DIR to a folder that can be written.",
                    folder=place.parent,
                    reason=error.strerror,
                )
            ) from error
    return place
