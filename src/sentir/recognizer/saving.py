"""The encoders and the weights in the folder of a saved model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sentir.atomic_folders import list_files, refuse_foreign_files
from sentir.errors import RecipeError, UnknownNameError, WeightsError
from sentir.i18n import _
from sentir.models.config_checks import count_elements, get_file_shapes, get_network_shapes
from sentir.models.factory import MODELS
from sentir.models.speech_backbones import save_speech_encoder
from sentir.models.text_encoder import save_text_encoder
from sentir.preflight import METADATA_FILE
from sentir.preprocessing.kinds import is_speech_encoder_frozen, uses_speech_encoder
from sentir.preprocessing.preprocessor import Preprocessor
from sentir.recipe import Recipe
from sentir.recognizer.card import CARD_FILENAMES
from sentir.recognizer.encoders import Encoders
from sentir.recognizer.saved_facts import SavedModel, damaged_model_error

WEIGHTS_FILE, STACKED_FOLDER = "model.safetensors", "stacked"
_TEXT_ENCODER_FOLDER, _SPEECH_ENCODER_FOLDER = "encoder", "speech"
_ENCODER_PREFIXES = {
    "encoder.": _TEXT_ENCODER_FOLDER,
    "audio.encoder.": _SPEECH_ENCODER_FOLDER,
}  # beginnings of names, and where they are saved
_OWNED_FOLDERS = tuple(f"{part}/" for part in (_TEXT_ENCODER_FOLDER, _SPEECH_ENCODER_FOLDER, STACKED_FOLDER))
_OWNED_FILES = (METADATA_FILE, WEIGHTS_FILE, *CARD_FILENAMES)
_RESERVED_FILES = (
    *_OWNED_FILES,
    *(f"{part}/config.json" for part in (_TEXT_ENCODER_FOLDER, _SPEECH_ENCODER_FOLDER)),
    f"{STACKED_FOLDER}/{METADATA_FILE}",
)


def owned_files(folder: Path) -> list[str]:
    """Return the names of the files that an earlier save wrote, by its own word where it has given it."""
    try:
        tree = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        tree = {}
    listed = tree.get("files") if isinstance(tree, dict) else None
    there = [name for name in list_files(folder) if name in _OWNED_FILES or name.startswith(_OWNED_FOLDERS)]
    return [name for name in there if name in listed] if isinstance(listed, list) else there


def check_output_folder(folder: Path) -> None:
    """Refuse a folder in which a save would replace what an earlier save did not write.

    Raises:
        SentirError: naming the file.
    """
    refuse_foreign_files(folder, _RESERVED_FILES, owned_files)


def save_encoders(encoders: Encoders, folder: Path, *, skip_frozen_weights: bool) -> None:
    """Write the encoders into ``encoder/`` and ``speech/``; frozen ones not into a light folder."""
    text, speech = encoders.text, encoders.speech
    if text is not None and not (skip_frozen_weights and text.frozen):
        save_text_encoder(text.encoder, text.processor, folder / _TEXT_ENCODER_FOLDER)
    if speech is not None and not (skip_frozen_weights and speech.frozen):
        save_speech_encoder(speech.encoder, speech.processor, folder / _SPEECH_ENCODER_FOLDER)


def encoder_digests(encoders: Encoders) -> dict[str, str]:
    """Return what names frozen encoders by their weights; ``""`` for those that are trained or not there."""
    parts = {_TEXT_ENCODER_FOLDER: encoders.text, _SPEECH_ENCODER_FOLDER: encoders.speech}
    return {f"{part}_digest": "" if source is None else source.digest for part, source in parts.items()}


def load_encoders(folder: Path, saved: SavedModel) -> Encoders:
    """Load the encoders of a saved model.

    Args:
        folder: of the model; encoders that it lacks are looked for where they came from.
        saved: what it tells of itself.

    Raises:
        RecognizerError: if an encoder is damaged, or one that learned is missing.
        WeightsError: if a frozen encoder that is not there is not at hand, or is another one.
    """
    model, needs = saved.recipe.model, MODELS.get(saved.recipe.model.kind).modalities
    if ("audio" in needs and not uses_speech_encoder(model)) != (saved.mel_statistics is not None):
        raise damaged_model_error(folder, METADATA_FILE, _("its mel levels are missing"))
    wanted = {_TEXT_ENCODER_FOLDER: "text" in needs, _SPEECH_ENCODER_FOLDER: uses_speech_encoder(model)}
    frozen = {
        _TEXT_ENCODER_FOLDER: model.encoder == "frozen",
        _SPEECH_ENCODER_FOLDER: is_speech_encoder_frozen(model.audio),
    }
    there = {
        part: str(folder / part)
        for part in wanted
        if wanted[part] and (folder / part).is_dir() and any(name.startswith(f"{part}/") for name in saved.files)
    }
    for part in wanted:
        if wanted[part] and part not in there and not frozen[part]:
            raise damaged_model_error(folder, part, _("it is missing"))
    try:
        encoders = Encoders.load(
            model, text_folder=there.get(_TEXT_ENCODER_FOLDER), speech_folder=there.get(_SPEECH_ENCODER_FOLDER)
        )
    except WeightsError as error:
        if len(there) < sum(wanted.values()):
            raise
        raise damaged_model_error(folder, ", ".join(there), str(error).rstrip(".")) from error
    digests = {_TEXT_ENCODER_FOLDER: saved.encoder_digest, _SPEECH_ENCODER_FOLDER: saved.speech_digest}
    for part, source in {_TEXT_ENCODER_FOLDER: encoders.text, _SPEECH_ENCODER_FOLDER: encoders.speech}.items():
        if (
            source is not None
            and not source.frozen
            and not _has_all_weights(source.encoder.transformer, folder / part)
        ):
            raise damaged_model_error(folder, part, _("its config.json is not that of its weights"))
        if source is None or source.digest == digests[part]:
            continue
        if part in there:
            raise damaged_model_error(folder, part, _("its weights are not those it was trained with"))
        raise WeightsError(
            _("The encoder of {folder} is not the one it was trained with; give the folder with its encoder.",
              folder=folder)
        )  # fmt: skip
    return encoders


def _has_all_weights(transformer: nn.Module, folder: Path) -> bool:
    """Say whether a network is all that its weights are: transformers leaves out what a configuration lacks."""
    return count_elements(get_file_shapes(folder / WEIGHTS_FILE)) == count_elements(
        get_network_shapes(transformer)
    )


@contextmanager
def report_damaged_recipe(folder: Path, recipe: Recipe) -> Iterator[None]:
    """Say that a saved model is damaged if its recipe builds nothing, unless a plug-in may be missing."""
    try:
        yield
    except (RecipeError, UnknownNameError) as error:
        if recipe.plugins:
            raise
        raise damaged_model_error(folder, METADATA_FILE, str(error).rstrip(".")) from error


def save_network(network: nn.Module, folder: Path) -> None:
    """Write everything that was learned, but for encoders."""
    save_file(
        {name: t.contiguous().cpu() for name, t in _state_without_encoders(network).items()},
        folder / WEIGHTS_FILE,
    )


def load_network(folder: Path, preprocessor: Preprocessor, encoders: Encoders, output_names: Sized) -> nn.Module:
    """Return the network of a saved model.

    Its sizes are held against its weights before it is allocated.

    Raises:
        RecognizerError: if the weights are damaged, or are not those of the recipe's model.
    """
    build = partial(encoders.build_network, preprocessor, output_names, load_pretrained=False)
    try:
        with torch.device("meta"):
            claimed = _state_without_encoders(build())
        if get_file_shapes(folder / WEIGHTS_FILE) != {name: tuple(t.shape) for name, t in claimed.items()}:
            raise ValueError(_("its tensors are not those of the recipe's model"))
        network, state = build(), load_file(folder / WEIGHTS_FILE)
    except (OSError, SafetensorError, RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise damaged_model_error(folder, WEIGHTS_FILE, error) from error
    if any(state[name].dtype != t.dtype for name, t in claimed.items()):
        raise damaged_model_error(folder, WEIGHTS_FILE, _("its tensors are not those of the recipe's model"))
    network.load_state_dict(state, strict=False)
    for name, tensor in network.state_dict().items():
        if not tensor.isfinite().all():
            file = next(
                (part for prefix, part in _ENCODER_PREFIXES.items() if name.startswith(prefix)), WEIGHTS_FILE
            )
            raise damaged_model_error(folder, file, _("'{name}' holds numbers that are not finite", name=name))
    return network


def _state_without_encoders(network: nn.Module) -> dict[str, Tensor]:
    return {name: t for name, t in network.state_dict().items() if not name.startswith(tuple(_ENCODER_PREFIXES))}


def copy_permissions(folder: Path, reference: Path) -> None:
    """Give weights the permissions of a file beside them; as safetensors writes them, no one else reads them."""
    for path in folder.rglob(f"*{Path(WEIGHTS_FILE).suffix}"):
        path.chmod(reference.stat().st_mode)
