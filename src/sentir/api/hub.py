"""The verb that pushes a model to the Hugging Face hub."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.paths import PathLike
from sentir.recognizer.hub_upload import push_folder

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo

    from sentir.api.loading import Model


def push_to_hub(
    model: PathLike | Model,
    repo_id: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    commit_message: str | None = None,
    token: str | None = None,
    accept_license: bool = False,
) -> CommitInfo:
    """Push a model to the Hugging Face hub, with its card.

    Args:
        model: a recognizer, a baseline that a study selected, or the folder of a saved or exported model.
        repo_id, private, revision, commit_message, token, accept_license: see
            `sentir.recognizer.hub_upload.PushToHubMixin.push_to_hub`.

    Returns:
        The commit: ``commit_url``, and ``oid``, a revision to load it by.

    Raises:
        RecognizerError: if the folder is no complete model, the licenses of the corpora are not accepted, there
            is no token or no permission, or the hub cannot be reached.
    """
    push = model.push_to_hub if not isinstance(model, PathLike) else partial(push_folder, Path(model))
    return push(
        repo_id, private=private, revision=revision, commit_message=commit_message, token=token,
        accept_license=accept_license,
    )  # fmt: skip
