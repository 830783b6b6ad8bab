"""Models given as recognizers or as folders, loaded and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.api.recipes import as_data
from sentir.audio.file_hashes import hash_files
from sentir.corpus.corpus import Corpus
from sentir.errors import PredictionsError, RecognizerError
from sentir.i18n import _
from sentir.paths import STARTER, PathLike
from sentir.plugins import load_plugins
from sentir.preflight import require_corpus_of_model, require_model, require_root
from sentir.progress import progress_bar
from sentir.readers import read_corpus
from sentir.recipe import DataSettings, Recipe
from sentir.recognizer.hub import at_revision, find_model

_CARD_SUFFIX = ".md"

if TYPE_CHECKING:
    from typing import TypeAlias

    from sentir.recognizer.recognizer import Recognizer
    from sentir.recognizer.tasks import Task
    from sentir.study.baseline_model import BaselineModel
    from sentir.study.ensemble import Ensemble

    Model: TypeAlias = Recognizer | Ensemble | BaselineModel


def as_model(model: PathLike | Model) -> Model:
    """Return a recognizer, an ensemble or a saved baseline, loaded if it was given by its folder or hub id."""
    return load(model) if isinstance(model, PathLike) else model


def as_recognizer(model: PathLike | Model) -> Recognizer:
    """Return a recognizer, loaded if it was given by its folder.

    Raises:
        RecognizerError: if the folder holds none, a baseline or an ensemble.
    """
    loaded = as_model(model)
    from sentir.study.baseline_model import BaselineModel
    from sentir.study.ensemble import Ensemble

    if isinstance(loaded, Ensemble):
        raise RecognizerError(
            _("'{name}' is an ensemble, which can be neither explained nor trained further as one model; give a "
              "member of it, such as its folder members/0.", name=loaded.recipe.name)
        )  # fmt: skip
    if isinstance(loaded, BaselineModel):
        raise RecognizerError(
            _("'{name}' is a baseline: it can predict and be evaluated, but not be explained or trained further.",
              name=loaded.name)
        )  # fmt: skip
    return loaded


def load(
    model: PathLike = STARTER,
    *,
    revision: str | None = None,
    plugins: PathLike | Iterable[PathLike] = (),
    provider: str = "cpu",
) -> Model:
    """Load a recognizer, an ensemble, or the baseline that a study selected.

    Args:
        model: the folder of a saved model, or the id of one on the Hugging Face hub, ``owner/name``; by default
            the starter, which predicts emotion and sentiment of English text and comes with Sentir.
        revision: of a model on the hub: a branch, tag or commit; by default ``main``.
        plugins: Python files to load first; see `sentir.plugins.load_plugin`.
        provider: execution provider of an exported model: ``cpu``, ``cuda``, ``directml`` or ``coreml``.

    Raises:
        SentirError: see `sentir.recognizer.recognizer.Recognizer.from_pretrained`.
    """
    load_plugins(plugins)
    folder = find_model(at_revision(model, revision))
    require_model(folder)
    from sentir.study.ensemble import load_saved_model

    with progress_bar(_("Loading the model"), 1):
        return load_saved_model(folder, provider)


def load_model_and_corpus(
    model: PathLike | Model,
    corpus: PathLike | DataSettings | Recipe | None,
    root: PathLike | None,
) -> tuple[Model, Corpus]:
    """Load a model and a corpus, by default the model's; both must exist before anything heavy is imported.

    Raises:
        SentirError: if the model or the corpus cannot be used.
    """
    if isinstance(model, PathLike):
        model = find_model(model)
        require_model(model)
    if corpus is not None:
        data = as_data(corpus, root=root)
        require_root(data.reader, data.root if root is None else root)
        loaded = as_model(model)
        require_scoring_plugins(loaded, corpus=False)
        return loaded, read_corpus(data, root)
    if isinstance(model, PathLike):
        require_corpus_of_model(model, root)
    loaded = as_model(model)
    require_scoring_plugins(loaded)
    return loaded, read_corpus(loaded.recipe.data, root)


def get_model_name(model: PathLike | Model) -> str:
    """Return the name of a model's folder, or of its recipe."""
    return Path(model).name if isinstance(model, PathLike) else model.recipe.name


def require_same_labels(recognizer: Model | Task, corpus: Corpus) -> None:
    """Refuse a corpus whose labels are not those of the model, or of one of its tasks.

    Raises:
        PredictionsError: naming both.
    """
    labels = corpus.label_space(recognizer.space.task)
    if labels != recognizer.space:
        raise PredictionsError(
            _(
                "The model predicts {ours}, the corpus '{name}' is labeled with {theirs}.",
                ours=", ".join(recognizer.space.names),
                name=corpus.name,
                theirs=", ".join(labels.names),
            )
        )


def require_scoring_plugins(model: Model, *, corpus: bool = True) -> None:
    """Refuse a model whose corpus is read, or whose metric is computed, by a plug-in that is not loaded.

    Raises:
        PluginError: naming the plug-in.
    """
    from sentir.recognizer.needed_plugins import require_plugins

    require_plugins(model.recipe.name, model.facts, ("reader",) * corpus + ("metric",))


def hash_model(folder: Path) -> str:
    """Return a SHA-256 of the names and contents of a model's files, without its cards.

    Raises:
        RecognizerError: if the folder is not a saved model.
    """
    require_model(folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != _CARD_SUFFIX)
    digests = hash_files(paths)
    facts = [(path.relative_to(folder).as_posix(), str(digests[path])) for path in paths]
    return hashlib.sha256(repr(facts).encode()).hexdigest()
