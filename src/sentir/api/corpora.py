"""The verbs that read and prepare a corpus."""

from __future__ import annotations

from pathlib import Path

from sentir import readers
from sentir.api.recipes import as_data, load_recipe
from sentir.audio.extraction import infer_mel_kind
from sentir.audio.store_report import StoreReport, prepare_audio
from sentir.corpus.corpus import Corpus
from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.paths import PathLike
from sentir.recipe import DataSettings, Recipe


def load_corpus(corpus: PathLike | DataSettings | Recipe, root: PathLike | None = None) -> Corpus:
    """Read a corpus.

    Args:
        corpus: a reader's name (``"meld"``), or a recipe that reads it: path, recipe, or its section ``data``.
        root: the folder it lies in, if not that of the recipe; demo corpora are built in and take none. With one,
            a reader's corpus has its clips.

    Raises:
        SentirError: if there is no such reader or recipe, or the files cannot be read.
    """
    return readers.read_corpus(as_data(corpus, root=root), root)


def prepare_corpus(
    corpus: PathLike,
    *,
    root: PathLike | None = None,
    out: PathLike | None = None,
    workers: int | None = None,
    mel: str | None = None,
) -> StoreReport:
    """Decode and measure every clip of a corpus once, into the store that training and prediction use.

    Args:
        corpus: a reader's name (``"meld"``) or the recipe that reads it.
        root: where it lies.
        out: folder of the store, if not `sentir.paths.sounds_dir`.
        workers: processes that decode; one for each core if not given.
        mel: ``mel`` or ``thesis``; if not given what the recipe's model hears, without a recipe ``thesis`` for
            spectrograms made elsewhere and ``mel`` for sound.

    Raises:
        RecipeError: if there is no such kind of mel.
        SentirError: if the corpus cannot be read or has no clips, or the store cannot be written.
    """
    if mel not in (None, "mel", "thesis"):
        raise RecipeError(_("There is no kind of mel called '{name}'; use mel or thesis.", name=mel))
    if Path(corpus).suffix == ".toml":
        recipe = load_recipe(corpus)
        data, mel = recipe.data.model_copy(update={"audio": True}), mel or recipe.model.audio.mel
    else:
        data = DataSettings(reader=str(corpus), audio=True)
    found = readers.read_corpus(data, root)
    folder = None if out is None else Path(out)
    return prepare_audio(
        found, mel_kind=mel or infer_mel_kind(u.clip for u in found), folder=folder, workers=workers
    )
