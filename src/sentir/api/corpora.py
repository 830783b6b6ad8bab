"""The verbs about corpora."""

from __future__ import annotations

from pathlib import Path

from sentir.api.recipes import load_recipe
from sentir.audio.measuring import usual_kind
from sentir.audio.prepared import Prepared, prepare
from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.places import Place
from sentir.readers import read_corpus
from sentir.recipe import Data


def prepare_corpus(
    corpus: Place,
    *,
    root: Place | None = None,
    out: Place | None = None,
    workers: int | None = None,
    mel: str | None = None,
) -> Prepared:
    """Decode and measure every clip of a corpus once, into the store that training and prediction use.

    Args:
        corpus: a reader's name (``"meld"``) or the recipe that reads it.
        root: where it lies.
        out: folder of the store, if not `sentir.places.sounds_dir`.
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
        recipe = load_recipe(Path(corpus))
        data, mel = recipe.data.model_copy(update={"sound": True}), mel or recipe.model.audio.mel
    else:
        data = Data(reader=str(corpus), sound=True)
    found = read_corpus(data, root)
    folder = None if out is None else Path(out)
    return prepare(found, kind=mel or usual_kind(u.clip for u in found), folder=folder, workers=workers)
