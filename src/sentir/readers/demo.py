"""The demo corpora: files that `sentir.demo` generates into the cache, read by the readers of the real ones."""

from __future__ import annotations

from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.i18n import gettext_noop
from sentir.readers.meld import reader as meld
from sentir.readers.mosei import reader as mosei
from sentir.recipe import DataSettings, MeldSettings
from sentir.registry import Registry

# Imported on first use: readers do not depend on the generator.
DEMO_FOLDERS = Registry(
    gettext_noop("demo corpus"),
    {"meld": "sentir.demo.corpora:meld_folder", "mosei": "sentir.demo.corpora:mosei_folder"},
)


def read_meld(root: Path | None, data: DataSettings) -> Corpus:
    """Read the demo corpus of conversations, with the reader of MELD.

    Args:
        root: not used; the files are generated.
        data: the recipe's ``data`` section; with ``audio`` the conversations have synthetic speech.

    Raises:
        CorpusError: if the cache cannot be written, or espeak-ng cannot be used.
    """
    folder: Path = DEMO_FOLDERS.get("meld")(audio=data.audio)
    choice = data.settings_of(MeldSettings).duplicate_clips
    return meld.read_tree(folder, name="demo-meld", synthetic=True, audio=data.audio, duplicate_clips=choice)


def read_mosei(root: Path | None, data: DataSettings) -> Corpus:
    """Read the demo corpus of monologues, with the reader of CMU-MOSEI; arguments as in `read_meld`.

    Raises:
        CorpusError: if the cache cannot be written, or espeak-ng cannot be used.
    """
    folder: Path = DEMO_FOLDERS.get("mosei")(audio=data.audio)
    return mosei.read_tree(folder, name="demo-mosei", synthetic=True, audio=data.audio)
