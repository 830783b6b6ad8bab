"""The explanation of one answer, gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from numpy.typing import NDArray

from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError, SentirError
from sentir.explanation.audio_attribution import explain_sound, sound_maps
from sentir.explanation.results import Explanation, Randomized
from sentir.explanation.sanity_checks import randomization_check
from sentir.explanation.score_function import Probe, make_probe, prepare, still
from sentir.explanation.text_attribution import explain_words, layer_integrated_gradients
from sentir.i18n import _
from sentir.preprocessing.text import TextInput
from sentir.recognizer.recognizer import Recognizer


def explain_utterance(
    recognizer: Recognizer,
    utterances: Sequence[Utterance],
    *,
    id: str,
    label: str | None = None,
    check: bool = False,
) -> Explanation:
    """Explain the answer for one utterance.

    Args:
        recognizer: whose answer it is.
        utterances: its dialogue, in order; one utterance for a model without context.
        id: of the utterance.
        label: whose score is explained; the most probable one if not given.
        check: whether the maps are compared with those of shuffled weights.

    Raises:
        CorpusError: if the utterance is not there, or there is no such label.
        SentirError: if it reads and captum is not installed, or it hears by a speech encoder alone.
    """
    place = {u.id: n for n, u in enumerate(utterances)}
    if id not in place:
        raise CorpusError(_("There is no utterance '{id}' to explain among those given.", id=id))
    text = recognizer.preparer.text
    _require_something_to_map(recognizer)
    asked, names = utterances[place[id]], recognizer.space.names
    predictions = recognizer.predict_utterances(utterances)
    labels, shares, _numbers = predictions.answers(recognizer.thresholds)[id]
    target = _target(names, label, int(predictions[id].argmax()))
    prepared = prepare(recognizer, utterances)
    probe, unit = make_probe(recognizer, prepared, place[id], target)
    of_unit = [utterances[n] for n in unit]
    with still(probe.model, probe.encoder):
        with torch.no_grad():
            score = float(probe.score()[0])
        words = None if text is None else explain_words(probe, text, of_unit)
        kind = recognizer.recipe.model.audio.mel
        sound = None if prepared.mels is None else explain_sound(probe, prepared, place[id], kind=kind)
    found = Explanation(
        id=id,
        text=asked.text,
        speaker=asked.speaker,
        model=recognizer.recipe.name,
        task=recognizer.space.task,
        label=names[target],
        is_number=recognizer.space.kind == "regression",
        score=score,
        labels=labels,
        probabilities=shares,
        gold=asked.labels.get(recognizer.space.task),
        synthetic=bool(recognizer.facts.get("synthetic")),
        words=words,
        sound=sound,
    )
    return replace(found, checks=_checks(probe, found, text, of_unit)) if check else found


def _require_something_to_map(recognizer: Recognizer) -> None:
    if recognizer.preparer.text is not None:
        layer_integrated_gradients()
    elif recognizer.preparer.sound is None:
        raise SentirError(
            _("There are no words and no maps to explain: the model reads raw audio with a speech encoder. "
              "What it loses without audio or features, 'sentir explain' measures on dev.")
        )  # fmt: skip


def _checks(
    probe: Probe, found: Explanation, text: TextInput | None, utterances: Sequence[Utterance]
) -> tuple[Randomized, ...]:
    """Compare the maps of an explanation with those of shuffled weights."""

    def maps(other: Probe) -> dict[str, NDArray]:
        drawn: dict[str, NDArray] = {}
        if found.words is not None and text is not None:
            again = explain_words(other, text, utterances, steps=found.words.steps)
            assert again is not None
            drawn["words"] = again.values
        return drawn | (sound_maps(other) if found.sound is not None else {})

    return randomization_check(probe, maps)


def _target(names: tuple[str, ...], label: str | None, likeliest: int) -> int:
    if label is None:
        return likeliest
    if label not in names:
        raise CorpusError(
            _(
                "The model does not know the label '{label}'; it knows: {names}.",
                label=label,
                names=", ".join(names),
            )
        )
    return names.index(label)
