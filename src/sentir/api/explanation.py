"""The verbs that explain: one answer of a model, and what its score hangs on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.api.models import _load, _same_labels
from sentir.api.recipes import named_data
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.paths import Place
from sentir.readers import read_corpus
from sentir.recognizer.inputs import gather, take
from sentir.recognizer.modalities import meet_needs
from sentir.report.audit_page import make_place

if TYPE_CHECKING:
    from sentir.corpus.corpus import Corpus
    from sentir.explanation.results import Explanation, ModelExplanation
    from sentir.recognizer.recognizer import Recognizer


def explain(
    model: Place | Recognizer,
    utterances: Utterance | Sequence[Utterance] = (),
    *,
    id: str | None = None,
    text: str | None = None,
    file: Place | None = None,
    corpus: Place | None = None,
    root: Place | None = None,
    label: str | None = None,
    check: bool = False,
    page: Place | None = None,
) -> Explanation:
    """Explain what a model says of one utterance: which words, which times and frequencies speak for a label.

    The utterance is given as it is, as a text, a clip or both, or by its id in a corpus.

    Args:
        model: a recognizer or its folder.
        utterances: one, or a dialogue in order, of which ``id`` names the one that is explained (else the last).
        id: of the utterance, or the end of it; without ``utterances``, in a corpus.
        text: a text by itself.
        file: a sound or video file.
        corpus: a reader's name or a recipe, if not the corpus that the model learned from.
        root: where the corpus lies.
        label: whose score is explained; the most probable one if not given.
        check: whether the maps are compared with those of the same networks with shuffled weights.
        page: an HTML file to write the explanation to, in every language.

    Raises:
        CorpusError: if there is nothing to explain, or the model cannot use it.
        SentirError: if the model or the corpus cannot be used, it reads and captum is not installed, or it hears
            by a speech encoder alone.
    """
    from sentir.explanation.page import save_explanation
    from sentir.explanation.utterance import explain_utterance

    if page is not None:
        make_place(Path(page))
    recognizer = _load(model)
    given = [utterances] if isinstance(utterances, Utterance) else list(utterances)
    if given:
        key = id or given[-1].id
    elif id is not None:
        found = _read(recognizer, corpus, root)
        asked = found.find(id)
        key, given = asked.id, list(found.by_dialogue[asked.dialogue or asked.id].utterances)
    else:
        given = _one(text, file)
        key = given[0].id
    recipe, needs, tolerates = recognizer.recipe, recognizer.needs, recognizer.tolerates
    kind, cleaning = recipe.model.audio.mel, recipe.data.cleaning
    met = meet_needs(given, needs, tolerates=tolerates, kind=kind, cleaning=cleaning)
    if key in met.problems:
        raise CorpusError(met.problems[key])
    given = met.utterances
    explanation = explain_utterance(recognizer, given, id=key, label=label, check=check)
    if page is not None:
        save_explanation(explanation, Path(page), recognizer)
    return explanation


def explain_model(
    model: Place | Recognizer,
    *,
    corpus: Place | None = None,
    root: Place | None = None,
    page: Place | None = None,
) -> ModelExplanation:
    """Measure on dev what a model's score loses without text, sound, context or numbers, and without each number.

    Args:
        model: a recognizer or its folder.
        corpus: a reader's name or a recipe, if not the corpus that the model learned from.
        root: where the corpus lies.
        page: an HTML file to write the explanation to, in every language.

    Raises:
        PredictionsError: if the corpus has other labels, or too little in dev.
        SentirError: if the model or the corpus cannot be used.
    """
    from sentir.explanation.model import explain_recognizer
    from sentir.explanation.page import save_explanation

    if page is not None:
        make_place(Path(page))
    recognizer = _load(model)
    found = _read(recognizer, corpus, root)
    _same_labels(recognizer, found)
    explanation = explain_recognizer(recognizer, found)
    if page is not None:
        save_explanation(explanation, Path(page), recognizer)
    return explanation


def _read(recognizer: Recognizer, corpus: Place | None, root: Place | None) -> Corpus:
    return read_corpus(recognizer.recipe.data if corpus is None else named_data(corpus, root=root), root)


def _one(text: str | None, file: Place | None) -> list[Utterance]:
    """Return one utterance of a text, a clip, or both."""
    found = [one.utterance for one in gather(*take(text, file))]
    if len(found) > 1:
        raise CorpusError(
            _(
                "{path} holds {n} utterances; give one sound or video file, or --corpus and --id.",
                path=file,
                n=len(found),
            )
        )
    return found
