"""The verbs that explain: one answer of a model, and what its score hangs on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.api.loading import as_recognizer, require_same_labels
from sentir.api.recipes import resolve_data
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.paths import PathLike
from sentir.readers import read_corpus
from sentir.recognizer.inputs import make_inputs, normalize_inputs
from sentir.recognizer.modalities import check_modalities
from sentir.report.audit_page import prepare_output_path

if TYPE_CHECKING:
    from sentir.corpus.corpus import Corpus
    from sentir.explanation.results import Explanation, ModelExplanation
    from sentir.recognizer.recognizer import Recognizer


def explain(
    model: PathLike | Recognizer,
    utterances: Utterance | Sequence[Utterance] = (),
    *,
    utterance_id: str | None = None,
    text: str | None = None,
    file: PathLike | None = None,
    corpus: PathLike | None = None,
    root: PathLike | None = None,
    label: str | None = None,
    sanity_check: bool = False,
    html: PathLike | None = None,
) -> Explanation:
    """Explain what a model says of one utterance: which words, which times and frequencies speak for a label.

    The utterance is given as it is, as a text, a clip or both, or by its id in a corpus.

    Args:
        model: a recognizer or its folder.
        utterances: one, or a dialogue in order, of which ``utterance_id`` names the one that is explained (else the last).
        utterance_id: of the utterance, or the end of it; without ``utterances``, in a corpus.
        text: a text by itself.
        file: a sound or video file.
        corpus: a reader's name or a recipe, if not the corpus that the model learned from.
        root: where the corpus lies.
        label: whose score is explained; the most probable one if not given.
        sanity_check: whether the maps are compared with those of the same networks with shuffled weights.
        html: an HTML file to write the explanation to, in every language.

    Raises:
        CorpusError: if there is nothing to explain, or the model cannot use it.
        SentirError: if the model or the corpus cannot be used, it reads and captum is not installed, or it hears
            by a speech encoder alone.
    """
    from sentir.explanation.page import save_explanation
    from sentir.explanation.utterance import explain_utterance

    if html is not None:
        prepare_output_path(Path(html))
    recognizer = as_recognizer(model)
    given = [utterances] if isinstance(utterances, Utterance) else list(utterances)
    if given:
        key = utterance_id or given[-1].id
    elif utterance_id is not None:
        found = _load_corpus(recognizer, corpus, root)
        asked = found.find(utterance_id)
        key, given = asked.id, list(found.dialogues[asked.dialogue or asked.id].utterances)
    else:
        given = _make_utterance(text, file)
        key = given[0].id
    recipe, needs, tolerates = recognizer.recipe, recognizer.modalities, recognizer.optional_modalities
    kind, cleaning = recipe.model.audio.mel, recipe.data.cleaning
    met = check_modalities(given, needs, optional_modalities=tolerates, mel_kind=kind, cleaning=cleaning)
    if key in met.problems:
        raise CorpusError(met.problems[key])
    given = met.utterances
    explanation = explain_utterance(recognizer, given, utterance_id=key, label=label, sanity_check=sanity_check)
    if html is not None:
        save_explanation(explanation, Path(html), recognizer)
    return explanation


def explain_model(
    model: PathLike | Recognizer,
    *,
    corpus: PathLike | None = None,
    root: PathLike | None = None,
    html: PathLike | None = None,
) -> ModelExplanation:
    """Measure on dev what a model's score loses without text, sound, context or numbers, and without each number.

    Args:
        model: a recognizer or its folder.
        corpus: a reader's name or a recipe, if not the corpus that the model learned from.
        root: where the corpus lies.
        html: an HTML file to write the explanation to, in every language.

    Raises:
        PredictionsError: if the corpus has other labels, or too little in dev.
        SentirError: if the model or the corpus cannot be used.
    """
    from sentir.explanation.model import explain_recognizer
    from sentir.explanation.page import save_explanation

    if html is not None:
        prepare_output_path(Path(html))
    recognizer = as_recognizer(model)
    found = _load_corpus(recognizer, corpus, root)
    require_same_labels(recognizer, found)
    explanation = explain_recognizer(recognizer, found)
    if html is not None:
        save_explanation(explanation, Path(html), recognizer)
    return explanation


def _load_corpus(recognizer: Recognizer, corpus: PathLike | None, root: PathLike | None) -> Corpus:
    return read_corpus(recognizer.recipe.data if corpus is None else resolve_data(corpus, root=root), root)


def _make_utterance(text: str | None, file: PathLike | None) -> list[Utterance]:
    """Return one utterance of a text, a clip, or both."""
    found = [one.utterance for one in make_inputs(*normalize_inputs(text, file))]
    if len(found) > 1:
        raise CorpusError(
            _(
                "{path} holds {n} utterances; give one sound or video file, or --corpus and --id.",
                path=file,
                n=len(found),
            )
        )
    return found
