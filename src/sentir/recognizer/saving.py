"""The encoders and the weights in the folder of a saved model."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sentir.atomic_folders import files_below, refuse_foreign
from sentir.errors import RecipeError, UnknownNameError, WeightsError
from sentir.i18n import _
from sentir.models.config_checks import count_numbers, network_shapes, tensor_shapes
from sentir.models.speech_backbones import save_speech_encoder
from sentir.models.text_encoder import save_text_encoder
from sentir.preflight import FACTS
from sentir.preprocessing.kinds import MODELS, hears_waves
from sentir.preprocessing.preprocessor import Preparer
from sentir.preprocessing.waveform import is_frozen
from sentir.recipe import Recipe
from sentir.recognizer.card import CARDS
from sentir.recognizer.saved_facts import SavedModel, incomplete

WEIGHTS, STACKED = "model.safetensors", "stacked"
_ENCODER, _SPEECH = "encoder", "speech"
_IN_ENCODERS = {"encoder.": _ENCODER, "audio.encoder.": _SPEECH}  # beginnings of names, and where they are saved
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


def load_preparer(folder: Path, saved: SavedModel) -> Preparer:
    """Return the preparer of a saved model.

    Args:
        folder: of the model; encoders that it lacks are looked for where they came from.
        saved: what it tells of itself.

    Raises:
        RecognizerError: if an encoder is damaged, or one that learned is missing.
        WeightsError: if a frozen encoder that is not there is not at hand, or is another one.
    """
    model, needs = saved.recipe.model, MODELS.get(saved.recipe.model.kind).needs
    if ("sound" in needs and not hears_waves(model)) != (saved.mel_levels is not None):
        raise incomplete(folder, FACTS, _("its mel levels are missing"))
    wanted = {_ENCODER: "text" in needs, _SPEECH: hears_waves(model)}
    frozen = {_ENCODER: model.encoder == "frozen", _SPEECH: is_frozen(model.audio)}
    there = {
        part: str(folder / part)
        for part in wanted
        if wanted[part] and (folder / part).is_dir() and _was_saved(part, saved.files)
    }
    for part in wanted:
        if wanted[part] and part not in there and not frozen[part]:
            raise incomplete(folder, part, _("it is missing"))
    try:
        preparer = Preparer(
            saved.recipe.data, model, saved.scaler, saved.mel_levels,
            weights=there.get(_ENCODER), speech=there.get(_SPEECH),
        )  # fmt: skip
    except WeightsError as error:
        if len(there) < sum(wanted.values()):
            raise
        raise incomplete(folder, ", ".join(there), str(error).rstrip(".")) from error
    digests = {_ENCODER: saved.encoder_digest, _SPEECH: saved.speech_digest}
    for part, source in {_ENCODER: preparer.text, _SPEECH: preparer.waves}.items():
        if source is not None and not source.frozen and not _is_whole(source.encoder.transformer, folder / part):
            raise incomplete(folder, part, _("its config.json is not that of its weights"))
        if source is None or source.digest == digests[part]:
            continue
        if part in there:
            raise incomplete(folder, part, _("its weights are not those it was trained with"))
        raise WeightsError(
            _("The encoder of {folder} is not the one it was trained with; give the folder with its encoder.",
              folder=folder)
        )  # fmt: skip
    return preparer


def _was_saved(part: str, files: Collection[str] | None) -> bool:
    return files is None or any(name.startswith(f"{part}/") for name in files)


def _is_whole(transformer: nn.Module, folder: Path) -> bool:
    """Say whether a network is all that its weights are: transformers leaves out what a configuration lacks."""
    return count_numbers(tensor_shapes(folder / WEIGHTS)) == count_numbers(network_shapes(transformer))


@contextmanager
def built_by(folder: Path, recipe: Recipe) -> Iterator[None]:
    """Say that a saved model is damaged if its recipe builds nothing, unless a plug-in may be missing."""
    try:
        yield
    except (RecipeError, UnknownNameError) as error:
        if recipe.plugins:
            raise
        raise incomplete(folder, FACTS, str(error).rstrip(".")) from error


def save_learned(network: nn.Module, folder: Path) -> None:
    """Write everything that was learned, but for encoders."""
    save_file({name: t.contiguous().cpu() for name, t in _learned(network).items()}, folder / WEIGHTS)


def load_network(folder: Path, preparer: Preparer, outputs: Sized) -> nn.Module:
    """Return the network of a saved model.

    Its sizes are held against its weights before it is allocated.

    Raises:
        RecognizerError: if the weights are damaged, or are not those of the recipe's model.
    """
    build = MODELS.get(preparer.model.kind).build
    try:
        with torch.device("meta"):
            claimed = _learned(build(preparer, outputs, False))
        if tensor_shapes(folder / WEIGHTS) != {name: tuple(t.shape) for name, t in claimed.items()}:
            raise ValueError(_("its tensors are not those of the recipe's model"))
        network, state = build(preparer, outputs, False), load_file(folder / WEIGHTS)
    except (OSError, SafetensorError, RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise incomplete(folder, WEIGHTS, error) from error
    if any(state[name].dtype != t.dtype for name, t in claimed.items()):
        raise incomplete(folder, WEIGHTS, _("its tensors are not those of the recipe's model"))
    network.load_state_dict(state, strict=False)
    for name, tensor in network.state_dict().items():
        if not tensor.isfinite().all():
            file = next((part for prefix, part in _IN_ENCODERS.items() if name.startswith(prefix)), WEIGHTS)
            raise incomplete(folder, file, _("'{name}' holds numbers that are not finite", name=name))
    return network


def _learned(network: nn.Module) -> dict[str, Tensor]:
    return {name: t for name, t in network.state_dict().items() if not name.startswith(tuple(_IN_ENCODERS))}


def open_like(folder: Path, file: Path) -> None:
    """Give weights the permissions of a file beside them; as safetensors writes them, no one else reads them."""
    for path in folder.rglob(f"*{Path(WEIGHTS).suffix}"):
        path.chmod(file.stat().st_mode)
