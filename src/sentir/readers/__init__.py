"""Readers: files of a known layout → a `Corpus`.

A reader is a function ``read(root, data) -> Corpus`` of the folder (or file) given by the user and the recipe's
``data`` section. It does not change the text (cleaning comes later) and reports unusable rows as issues. Its own
settings are a section ``data.NAME`` of the recipe, which ``data.settings_of`` returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from sentir.corpus.corpus import Corpus
from sentir.corpus.folds import split_first_fold
from sentir.errors import PluginError
from sentir.files.folders import require_printable
from sentir.i18n import _, gettext_noop
from sentir.paths import PathLike
from sentir.preflight import require_root
from sentir.progress import progress_bar
from sentir.readers.folds import assign_folds
from sentir.readers.slices import slice_by_groups
from sentir.recipe import READER_SETTINGS, DataSettings, Section
from sentir.registry import Registry
from sentir.safe_text import replace_surrogates

ReaderT = TypeVar("ReaderT", bound=Callable[[Path, DataSettings], Corpus])

READERS = Registry(
    gettext_noop("reader"),
    {
        "meld": "sentir.readers.meld.reader:read",
        "mosei": "sentir.readers.mosei.reader:read",
        "final_specs": "sentir.readers.final_specs:read",
        "table": "sentir.readers.table.reader:read",
        "emobox": "sentir.readers.emobox.reader:read",
        "ravdess": "sentir.readers.clips.ravdess:read",
        "cremad": "sentir.readers.clips.cremad:read",
        "emodb": "sentir.readers.clips.emodb:read",
        "mesd": "sentir.readers.clips.mesd:read",
        "tess": "sentir.readers.clips.tess:read",
        "savee": "sentir.readers.clips.savee:read",
        "iemocap": "sentir.readers.iemocap:read",
        "emorynlp": "sentir.readers.texts.emorynlp:read",
        "dailydialog": "sentir.readers.texts.dailydialog:read",
        "goemotions": "sentir.readers.texts.goemotions:read",
        "mmeld": "sentir.readers.texts.mmeld:read",
        "demo-meld": "sentir.readers.demo:read_meld",
        "demo-mosei": "sentir.readers.demo:read_mosei",
    },
)


def register_reader(name: str, settings: type[Section] | None = None) -> Callable[[ReaderT], ReaderT]:
    """Return a decorator that registers a reader.

    Args:
        name: of the reader, for ``data.reader``.
        settings: the class of its section ``data.NAME``, if it has settings of its own.

    Raises:
        PluginError: if the name exists, or its section would have the name of another setting.
    """

    def add(read: ReaderT) -> ReaderT:
        READERS.register(name)(read)
        if settings is None:
            return read
        if name in DataSettings.model_fields:
            raise PluginError(
                _("A reader with settings cannot be called '{name}': 'data.{name}' is a setting.", name=name)
            )
        READER_SETTINGS.register(name)(settings)
        return read

    return add


def read_corpus(data: DataSettings, root: PathLike | None = None) -> Corpus:
    """Read the corpus that a recipe's ``data`` section names.

    With ``data.folds``, its first fold is dev and the others are train; `sentir.corpus.folds` makes other views.

    Args:
        data: the section; its ``root`` is used if ``root`` is not given.
        root: the folder of the corpus; demo corpora are built in and need none.

    Raises:
        UnknownNameError: if there is no such reader.
        CorpusError: if a required root is not given, or the files cannot be read.
    """
    with progress_bar(_("Reading the corpus"), 1):
        corpus = _read(data, root)
        if data.folds is not None:
            corpus = split_first_fold(corpus, assign_folds(corpus, data.folds))
        slices = {**corpus.slices, **slice_by_groups(corpus, data.slices)} if data.slices else corpus.slices
        return replace(corpus, folds_of=data.folds_of, slices=slices)


def _read(data: DataSettings, root: PathLike | None) -> Corpus:
    read = READERS.get(data.reader)
    folder = require_root(data.reader, data.root if root is None else root)
    if folder is None:
        return read(None, data)
    require_printable(folder)
    return _with_printable_names(read(folder, data))


def _with_printable_names(corpus: Corpus) -> Corpus:
    """Return a corpus that can be written and shown, even if file names contain surrogates."""
    for path in dict.fromkeys(u.clip.path for u in corpus if u.clip is not None):
        require_printable(path)
    issues = (
        replace(one, message=replace_surrogates(one.message), where=replace_surrogates(one.where))
        for one in corpus.issues
    )
    return replace(corpus, issues=tuple(issues))
