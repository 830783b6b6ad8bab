"""The encoders of a preparer in the folder of a saved model."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from sentir.errors import RecognizerError, WeightsError
from sentir.features.scaling import Scaler
from sentir.given import FACTS
from sentir.i18n import _
from sentir.models.encoders import save_text_encoder
from sentir.models.speech_backbones import save_speech_encoder
from sentir.recipe import Recipe
from sentir.snapshots import files_below, refuse_foreign
from sentir.training.building import MODELS, hears_waves
from sentir.training.card import CARDS
from sentir.training.preparer import Preparer
from sentir.training.sound_input import MelLevels
from sentir.training.wave_input import is_frozen

WEIGHTS, STACKED = "model.safetensors", "stacked"
_ENCODER, _SPEECH = "encoder", "speech"
_FOLDERS = tuple(f"{part}/" for part in (_ENCODER, _SPEECH, STACKED))
_FILES = (FACTS, WEIGHTS, *CARDS)
_BEFOREHAND = (*_FILES, *(f"{part}/config.json" for part in (_ENCODER, _SPEECH)), f"{STACKED}/{FACTS}")


def owned_files(folder: Path) -> list[str]:
    """Return the names of the files that an earlier save wrote, by its own word where it has given it."""
    try:
        tree = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        tree = {}
    listed = tree.get("files") if isinstance(tree, dict) else None
    there = [name for name in files_below(folder) if name in _FILES or name.startswith(_FOLDERS)]
    return [name for name in there if name in listed] if isinstance(listed, list) else there


def check_place(folder: Path) -> None:
    """Refuse a folder in which a save would replace what an earlier save did not write.

    Raises:
        SentirError: naming the file.
    """
    refuse_foreign(folder, _BEFOREHAND, owned_files)


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
    folder: Path,
    recipe: Recipe,
    scaler: Scaler | None,
    levels: MelLevels | None,
    digests: Mapping[str, str],
    files: Collection[str] | None,
) -> Preparer:
    """Return the preparer of a saved model.

    Args:
        folder: of the model; encoders that it lacks are looked for where they came from.
        digests: as `encoder_digests` gave them.
        files: that were saved; ``None`` if the folder does not say.

    Raises:
        RecognizerError: if an encoder is damaged, or one that learned is missing.
        WeightsError: if a frozen encoder that is not there is not at hand, or is another one.
    """
    model, needs = recipe.model, MODELS.get(recipe.model.kind).needs
    if ("sound" in needs and not hears_waves(model)) != (levels is not None):
        raise incomplete(folder, FACTS, _("its mel levels are missing"))
    wanted = {_ENCODER: "text" in needs, _SPEECH: hears_waves(model)}
    frozen = {_ENCODER: model.encoder == "frozen", _SPEECH: is_frozen(model.audio)}
    there = [part for part in wanted if (folder / part).is_dir() and _was_saved(part, files)]
    saved = {part: str(folder / part) for part in there if wanted[part]}
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


def _was_saved(part: str, files: Collection[str] | None) -> bool:
    return files is None or any(name.startswith(f"{part}/") for name in files)


def incomplete(folder: Path, file: str, why: object) -> RecognizerError:
    """Return the error of a saved model that is damaged."""
    return RecognizerError(
        _("The recognizer {folder} is damaged: {file} cannot be used ({why}); save it again.",
          folder=folder, file=file, why=why)
    )  # fmt: skip
