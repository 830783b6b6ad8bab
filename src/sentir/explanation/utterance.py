"""The explanation of one prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from numpy.typing import NDArray

from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError, SentirError
from sentir.explanation.audio_attribution import attribute_audio, compute_audio_maps
from sentir.explanation.results import Explanation, RandomizationResult
from sentir.explanation.sanity_checks import check_randomization
from sentir.explanation.score_function import (
    ScoreFunction,
    make_score_function,
    prepare_with_tokens,
)
from sentir.explanation.text_attribution import attribute_text, load_layer_integrated_gradients
from sentir.i18n import _
from sentir.preprocessing.text import TextPreprocessor
from sentir.recognizer.recognizer import Recognizer


def explain_utterance(
    recognizer: Recognizer,
    utterances: Sequence[Utterance],
    *,
    utterance_id: str,
    label: str | None = None,
    sanity_check: bool = False,
) -> Explanation:
    """Explain the prediction for one utterance.

    Args:
        recognizer: that predicts.
        utterances: of its dialogue, in order; one utterance for a model without context.
        utterance_id: of the utterance.
        label: whose score is explained; the most probable one if not given.
        sanity_check: whether to compare the maps with those of shuffled weights.

    Raises:
        CorpusError: if there is no such utterance or label.
        SentirError: if captum is needed and not installed, or the only input is raw audio or encoded by a frozen
            network.
    """
    rows = {u.id: n for n, u in enumerate(utterances)}
    if utterance_id not in rows:
        raise CorpusError(_("There is no utterance '{id}' to explain among those given.", id=utterance_id))
    text = recognizer.preprocessor.text
    _require_attributable_input(recognizer)
    row, names = rows[utterance_id], recognizer.space.names
    predictions = recognizer.predict_utterances(utterances)
    labels, probabilities, _values = predictions.decode(recognizer.thresholds)[utterance_id]
    target = _target_index(names, label, int(predictions[utterance_id].argmax()))
    prepared = prepare_with_tokens(recognizer, utterances)
    score_function, unit = make_score_function(recognizer, prepared, row, target)
    context = [utterances[n] for n in unit]
    with torch.no_grad():
        score = float(score_function.score()[0])
    text_attribution = None if text is None else attribute_text(score_function, text, context)
    mel_kind = recognizer.recipe.model.audio.mel
    audio_attribution = attribute_audio(score_function, prepared, row, mel_kind=mel_kind)
    explanation = Explanation(
        id=utterance_id,
        text=utterances[row].text,
        speaker=utterances[row].speaker,
        model=recognizer.recipe.name,
        task=recognizer.space.task,
        label=names[target],
        is_regression=not recognizer.space.classes,
        score=score,
        labels=labels,
        probabilities=probabilities,
        gold=utterances[row].labels.get(recognizer.space.task),
        synthetic=bool(recognizer.facts.get("synthetic")),
        text_attribution=text_attribution,
        audio_attribution=audio_attribution,
    )
    if not sanity_check:
        return explanation
    return replace(explanation, sanity_checks=_run_sanity_checks(score_function, explanation, text, context))


def _require_attributable_input(recognizer: Recognizer) -> None:
    if recognizer.preprocessor.text is not None:
        load_layer_integrated_gradients()
    elif recognizer.preprocessor.mel is None:
        raise SentirError(
            _("The input of this model is raw audio, which has no words and no mel spectrogram to attribute to. "
              "'sentir explain' with --root measures on dev what it loses without audio or features.")
        )  # fmt: skip
    elif recognizer.encoders.audio is not None:
        raise SentirError(
            _("The audio encoder of this model is frozen: predictions are computed from statistics of whole "
              "clips, which cannot be attributed to parts of a spectrogram. 'sentir explain' with --root "
              "measures on dev what it loses without audio or features.")
        )  # fmt: skip


def _run_sanity_checks(
    score_function: ScoreFunction,
    explanation: Explanation,
    text: TextPreprocessor | None,
    utterances: Sequence[Utterance],
) -> tuple[RandomizationResult, ...]:
    """Compare the maps of an explanation with those of shuffled weights."""

    def compute_maps(other: ScoreFunction) -> dict[str, NDArray]:
        maps: dict[str, NDArray] = {}
        if explanation.text_attribution is not None and text is not None:
            attribution = attribute_text(other, text, utterances, steps=explanation.text_attribution.steps)
            assert attribution is not None
            maps["words"] = attribution.values
        return maps | (compute_audio_maps(other) if explanation.audio_attribution is not None else {})

    return check_randomization(score_function, compute_maps)


def _target_index(names: tuple[str, ...], label: str | None, most_probable: int) -> int:
    if label is None:
        return most_probable
    if label not in names:
        raise CorpusError(
            _(
                "The model has no label '{label}'; its labels are: {names}.",
                label=label,
                names=", ".join(names),
            )
        )
    return names.index(label)
