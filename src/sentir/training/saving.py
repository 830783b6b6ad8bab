"""The encoders of a preparer in the folder of a saved model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sentir.errors import RecognizerError, WeightsError
from sentir.features.scaling import Scaler
from sentir.given import FACTS
from sentir.i18n import _
from sentir.models.encoders import save_text_encoder
from sentir.models.speech_backbones import save_speech_encoder
from sentir.recipe import Recipe
from sentir.training.building import MODELS, hears_waves
from sentir.training.preparer import Preparer
from sentir.training.sound_input import MelLevels
from sentir.training.wave_input import is_frozen

_ENCODER, _SPEECH = ENCODER_FOLDERS = ("encoder", "speech")


def save_encoders(preparer: Preparer, folder: Path, *, light: bool) -> None:
    """Write the encoders into ``encoder/`` and ``speech/``; frozen ones not into a light folder."""
    text, waves = preparer.text, preparer.waves
    if text is not None and not (light and text.frozen):
        save_text_encoder(text.encoder, text.tokenizer, folder / _ENCODER)
    if waves is not None and not (light and waves.frozen):
        save_speech_encoder(waves.encoder, waves.extractor, folder / _SPEECH)


def encoder_digests(preparer: Preparer) -> dict[str, str]:
    """Return what names frozen encoders by their weights; ``""`` for those that are trained or not there."""
    parts = {_ENCODER: preparer.text, _SPEECH: preparer.waves}
    return {f"{part}_digest": "" if source is None else source.digest for part, source in parts.items()}


def load_preparer(
    folder: Path, recipe: Recipe, scaler: Scaler | None, levels: MelLevels | None, digests: Mapping[str, str]
) -> Preparer:
    """Return the preparer of a saved model.

    Args:
        folder: of the model; encoders that it lacks are looked for where they came from.
        digests: as `encoder_digests` gave them.

    Raises:
        RecognizerError: if an encoder is damaged, or one that learned is missing.
        WeightsError: if a frozen encoder that is not there is not at hand, or is another one.
    """
    model, needs = recipe.model, MODELS.get(recipe.model.kind).needs
    if ("sound" in needs and not hears_waves(model)) != (levels is not None):
        raise incomplete(folder, FACTS, _("its mel levels are missing"))
    wanted = {_ENCODER: "text" in needs, _SPEECH: hears_waves(model)}
    frozen = {_ENCODER: model.encoder == "frozen", _SPEECH: is_frozen(model.audio)}
    saved = {part: str(folder / part) for part in wanted if wanted[part] and (folder / part).is_dir()}
    for part in wanted:
        if wanted[part] and part not in saved and not frozen[part]:
            raise incomplete(folder, part, _("it is missing"))
    try:
        preparer = Preparer(
            recipe.data, model, scaler, levels, weights=saved.get(_ENCODER), speech=saved.get(_SPEECH)
        )
    except WeightsError as error:
        if len(saved) < sum(wanted.values()):
            raise
        raise incomplete(folder, ", ".join(saved), str(error).rstrip(".")) from error
    found = {_ENCODER: preparer.text, _SPEECH: preparer.waves}
    for part, source in found.items():
        if source is None or source.digest == digests[f"{part}_digest"]:
            continue
        if part in saved:
            raise incomplete(folder, part, _("its weights are not those it was trained with"))
        raise WeightsError(
            _("The encoder of {folder} is not the one it was trained with; give the folder with its encoder.",
              folder=folder)
        )  # fmt: skip
    return preparer


def incomplete(folder: Path, file: str, why: object) -> RecognizerError:
    """Return the error of a saved model that is damaged."""
    return RecognizerError(
        _("The recognizer {folder} is damaged: {file} cannot be used ({why}); save it again.",
          folder=folder, file=file, why=why)
    )  # fmt: skip
