"""Loading the tokenizer of a text backbone: from its files if they suffice, else through transformers."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sentir.errors import RecipeError, WeightsError
from sentir.i18n import _
from sentir.models.bertweet import normalize_tweet
from sentir.models.config_checks import check_config_files
from sentir.models.loading import (
    LibraryErrors,
    load_config_dict,
    load_from_source,
    quiet_transformers,
    unusable_error,
)
from sentir.models.pretrained_tokenizer import PretrainedTokenizer
from sentir.models.robertuito import normalize_robertuito
from sentir.models.text_backbones import (
    MIN_TOKENS,
    TEXT_BACKBONES,
    TextBackbone,
    get_text_backbone,
    limit_max_length,
)
from sentir.models.tokenization import TextTokenizer
from sentir.models.tokenizer_files import read_tokenizer
from sentir.models.weights import WeightsSource, find_local_file


def load_text_tokenizer(name: str, *, weights: str | None = None, max_length: int | None = None) -> TextTokenizer:
    """Load the tokenizer of a text backbone, as `load_text_encoder` does, without the backbone."""
    source = get_text_backbone(name).resolve_weights(weights)
    return build_text_tokenizer(name, source, load_config_dict(source), max_length)[0]


def load_saved_tokenizer(folder: Path, name: str = "", *, max_length: int | None = None) -> TextTokenizer:
    """Load the tokenizer of a saved text encoder; neither transformers nor the encoder is needed.

    Args:
        folder: that `save_text_encoder` wrote, ``encoder/`` of a model.
        name: of its backbone, which chooses the normalization of texts if it is a known one.
        max_length: longest input in tokens, if shorter than the backbone's.

    Raises:
        WeightsError: if it is damaged or missing.
        RecipeError: if a package that it needs is not installed.
    """
    spec = TEXT_BACKBONES.get(name) if name in TEXT_BACKBONES else TextBackbone(str(folder), str(folder))
    source = WeightsSource(str(folder), "folder")
    try:
        tokenizer = _read_tokenizer(source, spec.tokenizer_options)
        if tokenizer is None:
            raise ValueError(_("its tokenizer is missing or incomplete"))
        _check_special_tokens(tokenizer)
    except (OSError, ValueError) as error:
        raise unusable_error(source, error) from error
    return _to_text_tokenizer(source, tokenizer, spec, max_length)


def build_text_tokenizer(
    name: str, source: WeightsSource, config: Mapping[str, Any], max_length: int | None
) -> tuple[TextTokenizer, TextBackbone]:
    """Build the tokenizer of a text backbone, and return it with the spec that holds for this encoder.

    Args:
        name: of the backbone.
        source: of its weights.
        config: of the encoder.
        max_length: longest input in tokens, if shorter than the backbone's.

    Raises:
        WeightsError: if it cannot be used.
        RecipeError: if a package that it needs is not installed.
    """
    spec = limit_max_length(get_text_backbone(name), config)
    tokenizer = load_tokenizer(source, spec.tokenizer_options)
    if tokenizer.backend.token_to_id(tokenizer.pad_token) is None:
        raise WeightsError(
            _("'{name}' cannot be used: its tokenizer has no padding token; give a text encoder.",
              name=source.location)
        )  # fmt: skip
    return _to_text_tokenizer(source, tokenizer, spec, max_length), spec


def load_tokenizer(source: WeightsSource, options: Mapping[str, Any] | None = None) -> PretrainedTokenizer:
    """Return the tokenizer of an encoder.

    Raises:
        RecipeError: if a package that it needs is not installed.
        WeightsError: if it can neither be found nor downloaded, or has no vocabulary.
    """
    try:
        tokenizer = _read_tokenizer(source, options) or _load_with_transformers(source, options or {})
        if tokenizer.backend.get_vocab_size() <= len(
            tokenizer.all_special_ids
        ):  # transformers builds it without files
            raise ValueError(_("its tokenizer has no vocabulary"))
        if tokenizer.model_max_length < MIN_TOKENS:
            raise ValueError(_("its tokenizer allows fewer than {n} tokens", n=MIN_TOKENS))
    except (OSError, ValueError) as error:
        raise unusable_error(source, error) from error
    return tokenizer


def convert_tokenizer(tokenizer: Any) -> PretrainedTokenizer:
    """Take a tokenizer out of transformers, with all settings of its class.

    Raises:
        ValueError: if it is one in Python only, which has no ``tokenizer.json``.
    """
    names = ("padding_side", "truncation_side", "model_max_length")
    settings = {name: getattr(tokenizer, name) for name in names}
    settings |= {name: getattr(tokenizer, name) or "" for name in ("pad_token", "unk_token", "mask_token")}
    settings["model_input_names"] = list(tokenizer.model_input_names)
    with TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        converted = read_tokenizer(partial(find_local_file, WeightsSource(folder, "folder")), settings)
    if converted is None:
        raise ValueError(_("its tokenizer has no tokenizer.json"))
    return converted


def _read_tokenizer(source: WeightsSource, options: Mapping[str, Any] | None) -> PretrainedTokenizer | None:
    find_file = partial(find_local_file, source)
    with LibraryErrors():
        check_config_files(source, find_file)
        return read_tokenizer(find_file, options)


def _check_special_tokens(tokenizer: PretrainedTokenizer) -> None:
    """Refuse a damaged tokenizer.

    Raises:
        ValueError: if the padding token is missing, or a special token cannot be encoded.
    """
    for name in ("pad_token", "unk_token", "mask_token"):
        str(tokenizer.config.get(name, "")).encode()
    if tokenizer.backend.token_to_id(tokenizer.pad_token) is None:
        raise ValueError(_("its tokenizer is missing or incomplete"))


def _require_emoji(source: WeightsSource) -> None:
    if any(importlib.util.find_spec(package) is None for package in ("emoji", "regex")):
        raise RecipeError(
            _(
                "The tokenizer of '{name}' needs the package emoji; install it with: "
                "pip install 'sentir[tokenizers]'.",
                name=source.location,
            )
        )


def _load_with_transformers(source: WeightsSource, options: Mapping[str, Any]) -> PretrainedTokenizer:
    from transformers import AutoTokenizer

    with quiet_transformers():
        tokenizer = load_from_source(source, AutoTokenizer.from_pretrained, **options)
        with LibraryErrors():
            # Downloaded files may suffice now.
            return _read_tokenizer(source, options) or convert_tokenizer(tokenizer)


def _to_text_tokenizer(
    source: WeightsSource, tokenizer: PretrainedTokenizer, spec: TextBackbone, max_length: int | None
) -> TextTokenizer:
    """Limit the length to the backbone's, also in what is saved.

    Raises:
        WeightsError: if it cannot tokenize.
        RecipeError: if a package that it needs is not installed.
    """
    if tokenizer.normalize is normalize_tweet or spec.normalize is normalize_robertuito:
        _require_emoji(source)
    limit = min(spec.max_length, tokenizer.model_max_length)
    try:
        limited = replace(tokenizer, config={**tokenizer.config, "model_max_length": limit})
        with LibraryErrors():
            return TextTokenizer(limited, min(max_length or limit, limit), spec.normalize)
    except (OSError, ValueError) as error:
        raise unusable_error(source, error) from error
