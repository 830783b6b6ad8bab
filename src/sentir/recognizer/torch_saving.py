"""The torch network and encoders in the folder of a saved model."""

from __future__ import annotations

from collections.abc import Container, Sized
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sentir.errors import WeightsError
from sentir.i18n import _
from sentir.models.config_checks import count_elements, get_file_shapes, get_network_shapes
from sentir.models.kinds import MODELS
from sentir.models.speech_backbones import save_speech_encoder
from sentir.models.stage_encoder import StageEncoder, save_stage_encoder
from sentir.models.text_encoder import save_text_encoder
from sentir.plugins import PluginFailures
from sentir.preflight import METADATA_FILE, read_metadata
from sentir.preprocessing.kinds import uses_speech_encoder, uses_stage_encoder
from sentir.preprocessing.preprocessor import Preprocessor
from sentir.recognizer.encoders import Encoders, PretrainedEncoder
from sentir.recognizer.saved_facts import SavedModel, damaged_model_error
from sentir.recognizer.saved_files import (
    MEMBERS_FOLDER,
    SPEECH_ENCODER_FOLDER,
    TEXT_ENCODER_FOLDER,
    WEIGHTS_FILE,
)

# Prefix of parameter names → the folder that they are saved in.
_ENCODER_PREFIXES = {"encoder.": TEXT_ENCODER_FOLDER, "audio.encoder.": SPEECH_ENCODER_FOLDER}


def save_encoders(encoders: Encoders, folder: Path, *, skip_frozen_weights: bool) -> None:
    """Write the encoders to ``encoder/`` and ``speech/``, frozen ones unless ``skip_frozen_weights``."""
    text, audio = encoders.text, encoders.audio
    if text is not None and not (skip_frozen_weights and text.frozen):
        save_text_encoder(text.encoder, text.processor, folder / TEXT_ENCODER_FOLDER)
    if audio is None or (skip_frozen_weights and audio.frozen):
        return
    if isinstance(audio.encoder, StageEncoder):
        save_stage_encoder(audio.encoder, folder / SPEECH_ENCODER_FOLDER)
    else:
        save_speech_encoder(audio.encoder, audio.processor, folder / SPEECH_ENCODER_FOLDER)


def encoder_digests(encoders: Encoders) -> dict[str, str]:
    """Return the hashes of frozen encoders; ``""`` if they are trained or there is none."""
    return {f"{part}_digest": "" if one is None else one.digest for part, one in _by_folder(encoders).items()}


def _by_folder(encoders: Encoders) -> dict[str, PretrainedEncoder[Any, Any] | None]:
    return {TEXT_ENCODER_FOLDER: encoders.text, SPEECH_ENCODER_FOLDER: encoders.audio}


def load_encoders(folder: Path, saved: SavedModel) -> Encoders:
    """Load the encoders of a saved model.

    Args:
        folder: of the model; frozen encoders that were not saved are loaded from the recipe's source.
        saved: its ``sentir.json``.

    Raises:
        RecognizerError: if an encoder is damaged, or a trained one is missing.
        WeightsError: if a frozen encoder that was not saved is not available, or has other weights.
    """
    model, modalities = saved.recipe.model, MODELS.get(saved.recipe.model.kind).modalities
    if ("audio" in modalities and not uses_speech_encoder(model)) != (saved.mel_statistics is not None):
        raise damaged_model_error(folder, METADATA_FILE, _("the mel statistics do not fit the model"))
    is_frozen = {}
    if "text" in modalities:
        is_frozen[TEXT_ENCODER_FOLDER] = model.is_encoder_frozen
    if uses_speech_encoder(model) or uses_stage_encoder(model):
        is_frozen[SPEECH_ENCODER_FOLDER] = model.audio.is_encoder_frozen
    saved_parts = {
        part: str(found / part)
        for part in is_frozen
        if (found := _find_saved_part(folder, saved, part)) is not None
    }
    for part, frozen in is_frozen.items():
        if part not in saved_parts and not frozen:
            raise damaged_model_error(folder, part, _("it is missing"))
    text_folder, audio_folder = map(saved_parts.get, (TEXT_ENCODER_FOLDER, SPEECH_ENCODER_FOLDER))
    try:
        encoders = Encoders.load(model, text_folder=text_folder, audio_folder=audio_folder)
    except WeightsError as error:
        if len(saved_parts) < len(is_frozen):
            raise
        raise damaged_model_error(folder, ", ".join(saved_parts), str(error).rstrip(".")) from error
    _check_encoders(folder, saved, encoders, saved_parts)
    return encoders


def _saved_digests(saved: SavedModel) -> dict[str, str]:
    return {TEXT_ENCODER_FOLDER: saved.encoder_digest, SPEECH_ENCODER_FOLDER: saved.speech_digest}


def _find_saved_part(folder: Path, saved: SavedModel, part: str) -> Path | None:
    """Return the folder that an encoder was saved in: the model's, or that of another member of its ensemble."""
    digest = _saved_digests(saved)[part]
    if (folder / part).is_dir() and any(name.startswith(f"{part}/") for name in saved.files):
        return folder
    if not digest or folder.parent.name != MEMBERS_FOLDER:
        return None
    return next(
        (
            other
            for other in sorted(folder.parent.iterdir())
            if (other / part).is_dir() and read_metadata(other).get(f"{part}_digest") == digest
        ),
        None,
    )


def _check_encoders(folder: Path, saved: SavedModel, encoders: Encoders, saved_parts: Container[str]) -> None:
    digests = _saved_digests(saved)
    for part, one in _by_folder(encoders).items():
        if one is None:
            continue
        if not one.frozen and not _has_all_weights(one.encoder.transformer, folder / part):
            raise damaged_model_error(folder, part, _("its config.json does not match its weights"))
        if one.digest == digests[part]:
            continue
        if part in saved_parts:
            raise damaged_model_error(folder, part, _("its weights are not those it was trained with"))
        raise WeightsError(
            _("The encoder of {folder} is not the one it was trained with; give a folder with its encoder.",
              folder=folder)
        )  # fmt: skip


def _has_all_weights(transformer: nn.Module, folder: Path) -> bool:
    """Return whether a network has all saved weights: transformers drops those that a configuration lacks."""
    return count_elements(get_file_shapes(folder / WEIGHTS_FILE)) == count_elements(
        get_network_shapes(transformer)
    )


def save_network(network: nn.Module, folder: Path) -> None:
    """Write all weights except those of encoders."""
    save_file(
        {name: t.contiguous().cpu() for name, t in _state_without_encoders(network).items()},
        folder / WEIGHTS_FILE,
    )


def load_network(folder: Path, preprocessor: Preprocessor, encoders: Encoders, output_names: Sized) -> nn.Module:
    """Load the network of a saved model; the shapes of its weights are checked before it is allocated.

    Raises:
        RecognizerError: if the weights are damaged, or do not match the recipe's model.
    """
    build = partial(encoders.build_network, preprocessor, output_names, load_pretrained=False)
    try:
        with PluginFailures(), torch.device("meta"):
            expected = _state_without_encoders(build())
        if get_file_shapes(folder / WEIGHTS_FILE) != {name: tuple(t.shape) for name, t in expected.items()}:
            raise ValueError(_("its tensors do not match the recipe's model"))
        network, state = build(), load_file(folder / WEIGHTS_FILE)
    except (OSError, SafetensorError, RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise damaged_model_error(folder, WEIGHTS_FILE, error) from error
    if any(state[name].dtype != t.dtype for name, t in expected.items()):
        raise damaged_model_error(folder, WEIGHTS_FILE, _("its tensors do not match the recipe's model"))
    network.load_state_dict(state, strict=False)
    for name, tensor in network.state_dict().items():
        if not _is_finite(tensor):
            file = next(
                (part for prefix, part in _ENCODER_PREFIXES.items() if name.startswith(prefix)), WEIGHTS_FILE
            )
            raise damaged_model_error(folder, file, _("'{name}' has values that are not finite", name=name))
    return network


def _is_finite(tensor: Tensor) -> bool:
    """Return whether all values are finite, in one pass; ``isfinite().all()`` is a third of loading a model."""
    return all(torch.isfinite(end) for end in tensor.aminmax()) if tensor.numel() else True


def _state_without_encoders(network: nn.Module) -> dict[str, Tensor]:
    return {name: t for name, t in network.state_dict().items() if not name.startswith(tuple(_ENCODER_PREFIXES))}
