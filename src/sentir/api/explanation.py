"""The verbs that explain one prediction of a model, and which inputs matter to the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.api.loading import as_recognizer, load_model_and_corpus, require_same_labels
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.io import prepare_output_path
from sentir.paths import PathLike
from sentir.recipe import DataSettings, Recipe
from sentir.recognizer.inputs import make_inputs

if TYPE_CHECKING:
    from sentir.explanation.results import Explanation, ModelExplanation
    from sentir.recognizer.recognizer import Recognizer


def explain(
    model: PathLike | Recognizer,
    utterances: Utterance | Sequence[Utterance] = (),
    *,
    utterance_id: str | None = None,
    text: str | None = None,
    file: PathLike | None = None,
    corpus: PathLike | DataSettings | Recipe | None = None,
    root: PathLike | None = None,
    label: str | None = None,
    sanity_check: bool = False,
    html: PathLike | None = None,
) -> Explanation:
    """Explain a prediction: which words, times and frequencies of one utterance support a label.

    The utterance is given as an `Utterance`, as a text, a clip or both, or by its id in a corpus.

    Args:
        model: a recognizer or its folder.
        utterances: one, or a dialogue in order; ``utterance_id`` selects the one to explain, by default the last.
        utterance_id: id of the utterance, or a unique end of it; without ``utterances``, in the corpus.
        text: a text.
        file: an audio or video file.
        corpus: a reader's name, a recipe, or a recipe's section ``data``; by default the model's corpus.
        root: folder of the corpus.
        label: label to explain; by default the most probable one.
        sanity_check: whether to compare with the attributions of the same networks with randomized weights.
        html: an HTML file to write the explanation to, in every language.

    Raises:
        CorpusError: if there is nothing to explain, or the model cannot use it.
        SentirError: if the model or the corpus cannot be used, captum is not installed (for text models), or the
            model takes only audio, through a speech encoder.
    """
    if html is not None:
        prepare_output_path(Path(html))
    given = [utterances] if isinstance(utterances, Utterance) else list(utterances)
    if not given and utterance_id is not None:
        loaded_model, loaded = load_model_and_corpus(model, corpus, root)
        model, found = as_recognizer(loaded_model), loaded.find(utterance_id)
        utterance_id, given = found.id, list(loaded.dialogues[found.dialogue or found.id].utterances)
    given = given or _make_utterance(text, file)
    key, recognizer = utterance_id or given[-1].id, as_recognizer(model)
    from sentir.explanation.page import save_explanation
    from sentir.explanation.utterance import explain_utterance

    checked = recognizer.check_modalities(given)
    if key in checked.problems:
        raise CorpusError(checked.problems[key])
    explanation = explain_utterance(
        recognizer, checked.utterances, utterance_id=key, label=label, sanity_check=sanity_check
    )
    if html is not None:
        save_explanation(explanation, Path(html), recognizer)
    return explanation


def explain_model(
    model: PathLike | Recognizer,
    *,
    corpus: PathLike | DataSettings | Recipe | None = None,
    root: PathLike | None = None,
    html: PathLike | None = None,
) -> ModelExplanation:
    """Measure which inputs matter to a model: its score on dev without text, audio, context or features.

    Args:
        model: a recognizer or its folder.
        corpus: a reader's name, a recipe, or a recipe's section ``data``; by default the model's corpus.
        root: folder of the corpus.
        html: an HTML file to write the explanation to, in every language.

    Raises:
        PredictionsError: if the corpus has other labels, or dev is too small.
        SentirError: if the model or the corpus cannot be used.
    """
    from sentir.explanation.model import explain_recognizer
    from sentir.explanation.page import save_explanation

    if html is not None:
        prepare_output_path(Path(html))
    loaded_model, loaded = load_model_and_corpus(model, corpus, root)
    recognizer = as_recognizer(loaded_model)
    require_same_labels(recognizer, loaded)
    explanation = explain_recognizer(recognizer, loaded)
    if html is not None:
        save_explanation(explanation, Path(html), recognizer)
    return explanation


def _make_utterance(text: str | None, file: PathLike | None) -> list[Utterance]:
    """Return one utterance of a text, a clip, or both."""
    utterances = [one.utterance for one in make_inputs(_make_item(text, file)).rows]
    if len(utterances) > 1:
        raise CorpusError(
            _("{path} holds {n} utterances; give one audio or video file, or --corpus and --id.",
              path=file, n=len(utterances))
        )  # fmt: skip
    return utterances


def _make_item(text: str | None, file: PathLike | None) -> object:
    """Return the item to predict for a text, a file, or a text and its clip."""
    if text is None and file is None:
        raise CorpusError(_("There is nothing to explain; give --text or a file."))
    if file is None:
        return text
    return Path(file) if text is None else {"id": str(file), "text": text, "audio": Path(file)}
