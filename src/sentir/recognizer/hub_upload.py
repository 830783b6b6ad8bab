"""Saved models are pushed to the Hugging Face hub as one commit with the files that ``sentir.json`` lists."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sentir.atomic_folders import committed_folder
from sentir.errors import RecipeError, RecognizerError
from sentir.i18n import _
from sentir.logs import logger, quiet_logger
from sentir.preflight import METADATA_FILE, require_model
from sentir.recipe import Recipe
from sentir.recognizer.card import CARD_FILES
from sentir.recognizer.card_metadata import license_remark
from sentir.recognizer.hub import is_hub_name, short_reason
from sentir.recognizer.saved_facts import damaged_model_error
from sentir.recognizer.saved_files import OWNED_PATTERNS, owned_files

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, HfApi

_PULL_REQUESTS = "refs/pr/"


class PushToHubMixin:
    """Pushes a model to the hub that can be saved as a folder."""

    recipe: Recipe
    facts: Mapping[str, Any]

    def save_pretrained(self, folder: Path) -> None:
        """Save as a folder."""
        raise NotImplementedError

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        revision: str | None = None,
        commit_message: str | None = None,
        token: str | None = None,
        accept_license: bool = False,
    ) -> CommitInfo:
        """Push the model to the Hugging Face hub, with its card.

        Args:
            repo_id: the repository, ``owner/name``; created if it does not exist.
            private: whether a new repository is private; by default as the owner's settings say.
            revision: branch to push to, created if it does not exist; by default ``main``.
            commit_message: by default, the name of the model and the version of Sentir.
            token: of the hub; by default that of ``hf auth login``, or of the variable ``HF_TOKEN``.
            accept_license: confirm that the licenses of the corpora allow sharing the model. Needed unless they
                are synthetic.

        Returns:
            The commit: ``commit_url``, and ``oid``, a revision to load it by.

        Raises:
            RecognizerError: if it is not confirmed, there is no token or no permission, or the hub cannot be
                reached.
        """
        require_shareable(license_remark(self.recipe, self.facts), accept_license)
        api = _connect(repo_id, token)
        with TemporaryDirectory(prefix="sentir-push-") as folder:
            self.save_pretrained(Path(folder))
            return _upload(api, Path(folder), repo_id, private, revision, commit_message)


def push_folder(
    folder: Path,
    repo_id: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    commit_message: str | None = None,
    token: str | None = None,
    accept_license: bool = False,
) -> CommitInfo:
    """Push a saved model, exported or not, to the hub; see `PushToHubMixin.push_to_hub`.

    Raises:
        RecognizerError: as there, or if the folder is no complete model.
    """
    require_shareable(describe_sharing(folder), accept_license)
    api = _connect(repo_id, token)
    return _upload(api, committed_folder(folder), repo_id, private, revision, commit_message)


def describe_sharing(folder: Path) -> str:
    """Return a sentence on the licenses of the corpora of a saved model; ``""`` if they are synthetic.

    Raises:
        RecognizerError: if the folder is not a saved model, or is damaged.
    """
    require_model(folder)
    recipe, facts, _name = _read_saved(committed_folder(folder))
    return license_remark(recipe, facts)


def require_shareable(remark: str, accept_license: bool) -> None:
    """Refuse to push a model whose corpora have licenses that nobody accepted.

    Raises:
        RecognizerError: with the remark on the licenses.
    """
    if remark and not accept_license:
        raise RecognizerError(
            _("{remark} If you may share the model, confirm it with --yes, in Python with accept_license=True.",
              remark=remark)
        )  # fmt: skip


def _read_saved(folder: Path) -> tuple[Recipe, dict[str, Any], str]:
    try:
        tree = json.loads((folder / METADATA_FILE).read_bytes())
        recipe = Recipe.parse(tree["recipe"], where=str(folder / METADATA_FILE))
        return recipe, dict(tree["facts"]), str(tree.get("baseline", recipe.name))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, RecipeError) as error:
        raise damaged_model_error(folder, METADATA_FILE, error) from error


def _connect(repo_id: str, token: str | None) -> HfApi:
    """Return a client of the hub with a token.

    Raises:
        RecognizerError: if the name is invalid, there is no token, or the hub cannot be reached.
    """
    from huggingface_hub import HfApi, get_token

    from sentir.models.weights import require_hub_connection

    if not is_hub_name(repo_id):
        raise RecognizerError(
            _("'{name}' is not the name of a repository of the hub; give OWNER/NAME, such as ana/meld-text.",
              name=repo_id)
        )  # fmt: skip
    token = token or get_token()
    if token is None:
        raise RecognizerError(
            _("Pushing needs a token of the hub with write access; log in with 'hf auth login', or set HF_TOKEN.")
        )
    try:
        require_hub_connection()
    except ConnectionError as error:
        raise _push_error(error, repo_id) from error
    return HfApi(token=token, library_name="sentir")


def _upload(
    api: HfApi,
    folder: Path,
    repo_id: str,
    private: bool | None,
    revision: str | None,
    commit_message: str | None,
) -> CommitInfo:
    from huggingface_hub.errors import HTTPError

    files, name = _list_complete_files(folder)
    message = commit_message or f"{name}, saved with Sentir {metadata.version('sentir')}"
    try:
        with quiet_logger("huggingface_hub", logging.ERROR):
            api.create_repo(repo_id, private=private, exist_ok=True)
            if revision is not None and not revision.startswith(_PULL_REQUESTS):
                api.create_branch(repo_id, branch=revision, exist_ok=True)
            _refuse_foreign_files(repo_id, api.list_repo_files(repo_id, revision=revision), files)
            return api.upload_folder(
                repo_id=repo_id, folder_path=folder, revision=revision, commit_message=message,
                allow_patterns=files, delete_patterns=list(OWNED_PATTERNS),
            )  # fmt: skip
    except (OSError, ValueError, RuntimeError, HTTPError) as error:  # RuntimeError: hf_xet
        raise _push_error(error, repo_id) from error


def _list_complete_files(folder: Path) -> tuple[list[str], str]:
    """Return the files of a saved model, and the name of the model.

    Raises:
        RecognizerError: if some are missing.
    """
    _recipe, _facts, name = _read_saved(folder)
    files, tree = owned_files(folder), json.loads((folder / METADATA_FILE).read_bytes())
    listed = tree.get("files") or files
    if missing := [one for one in listed if one not in files]:
        raise damaged_model_error(folder, missing[0], _("the file is missing"))
    if CARD_FILES["en"] not in files:
        raise RecognizerError(
            _("The model in {folder} was saved without its frozen encoder and model card; load it, save it whole "
              "with save_pretrained, and push that folder.", folder=folder)
        )  # fmt: skip
    if local := next(_absolute_paths(tree), None):
        logger.warning(_("{file} names folders of this machine, and whoever can read the repository sees them: "
                         "{path}.", file=METADATA_FILE, path=local))  # fmt: skip
    return files, name


def _absolute_paths(tree: Any) -> Iterator[str]:
    """Yield the absolute paths among the values of JSON."""
    if isinstance(tree, str):
        yield from [tree] if PurePosixPath(tree).is_absolute() or PureWindowsPath(tree).is_absolute() else []
    elif isinstance(tree, list | dict):
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from _absolute_paths(value)


def _refuse_foreign_files(repo_id: str, present: list[str], files: list[str]) -> None:
    """Refuse to replace files that Sentir did not push; only a new repository's ``README.md`` is replaced.

    Raises:
        RecognizerError: naming the first.
    """
    foreign = sorted({*present} & {*files} - {*CARD_FILES.values()})
    if foreign and METADATA_FILE not in present:
        raise RecognizerError(
            _("The repository {name} has files that Sentir did not push, such as {file}, and they are not "
              "replaced; give another repository or --revision.", name=repo_id, file=foreign[0])
        )  # fmt: skip


def _push_error(error: BaseException, repo_id: str) -> RecognizerError:
    from huggingface_hub.errors import HfHubHTTPError

    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if status == 401:
        return RecognizerError(
            _("The hub does not accept the token; log in again with 'hf auth login', or set another HF_TOKEN.")
        )
    if status in (403, 404):
        return RecognizerError(
            _("The token may not write to {name} on the hub; give a repository of your own, or a token with "
              "write access to that one.", name=repo_id)
        )  # fmt: skip
    return RecognizerError(
        _("The model could not be pushed to {name} ({why}); push it again later.",
          name=repo_id, why=short_reason(error))
    )  # fmt: skip
