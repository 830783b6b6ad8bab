"""The explanation of one answer, gathered."""

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
    frozen_eval_mode,
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
    """Explain the answer for one utterance.

    Args:
        recognizer: whose answer it is.
        utterances: its dialogue, in order; one utterance for a model without context.
        utterance_id: of the utterance.
        label: whose score is explained; the most probable one if not given.
        sanity_check: whether the maps are compared with those of shuffled weights.

    Raises:
        CorpusError: if the utterance is not there, or there is no such label.
        SentirError: if it reads and captum is not installed, or it hears by a speech encoder alone.
    """
    place = {u.id: n for n, u in enumerate(utterances)}
    if utterance_id not in place:
        raise CorpusError(_("There is no utterance '{id}' to explain among those given.", id=utterance_id))
    text = recognizer.preprocessor.text
    _require_attributable_input(recognizer)
    asked, names = utterances[place[utterance_id]], recognizer.space.names
    predictions = recognizer.predict_utterances(utterances)
    labels, shares, _numbers = predictions.decode(recognizer.thresholds)[utterance_id]
    target = _target_index(names, label, int(predictions[utterance_id].argmax()))
    prepared = prepare_with_tokens(recognizer, utterances)
    probe, unit = make_score_function(recognizer, prepared, place[utterance_id], target)
    of_unit = [utterances[n] for n in unit]
    with frozen_eval_mode(probe.model, probe.encoder):
        with torch.no_grad():
            score = float(probe.score()[0])
        words = None if text is None else attribute_text(probe, text, of_unit)
        kind = recognizer.recipe.model.audio.mel
        sound = (
            None
            if prepared.mels is None
            else attribute_audio(probe, prepared, place[utterance_id], mel_kind=kind)
        )
    found = Explanation(
        id=utterance_id,
        text=asked.text,
        speaker=asked.speaker,
        model=recognizer.recipe.name,
        task=recognizer.space.task,
        label=names[target],
        is_regression=recognizer.space.kind == "regression",
        score=score,
        labels=labels,
        probabilities=shares,
        gold=asked.labels.get(recognizer.space.task),
        synthetic=bool(recognizer.facts.get("synthetic")),
        text_attribution=words,
        audio_attribution=sound,
    )
    return (
        replace(found, sanity_checks=_run_sanity_checks(probe, found, text, of_unit)) if sanity_check else found
    )


def _require_attributable_input(recognizer: Recognizer) -> None:
    if recognizer.preprocessor.text is not None:
        load_layer_integrated_gradients()
    elif recognizer.preprocessor.mel is None:
        raise SentirError(
            _("There are no words and no maps to explain: the model reads raw audio with a speech encoder. "
              "What it loses without audio or features, 'sentir explain' measures on dev.")
        )  # fmt: skip


def _run_sanity_checks(
    score_function: ScoreFunction,
    explanation: Explanation,
    text: TextPreprocessor | None,
    utterances: Sequence[Utterance],
) -> tuple[RandomizationResult, ...]:
    """Compare the maps of an explanation with those of shuffled weights."""

    def maps(other: ScoreFunction) -> dict[str, NDArray]:
        drawn: dict[str, NDArray] = {}
        if explanation.text_attribution is not None and text is not None:
            again = attribute_text(other, text, utterances, steps=explanation.text_attribution.steps)
            assert again is not None
            drawn["words"] = again.values
        return drawn | (compute_audio_maps(other) if explanation.audio_attribution is not None else {})

    return check_randomization(score_function, maps)


def _target_index(names: tuple[str, ...], label: str | None, most_probable: int) -> int:
    if label is None:
        return most_probable
    if label not in names:
        raise CorpusError(
            _(
                "The model does not know the label '{label}'; it knows: {names}.",
                label=label,
                names=", ".join(names),
            )
        )
    return names.index(label)
