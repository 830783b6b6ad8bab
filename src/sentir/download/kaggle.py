"""A data set of Kaggle through ``kagglehub``, which resumes and unpacks; every failure of it is a sentence.

Without a folder it lies in kagglehub's own cache (``KAGGLEHUB_CACHE``), where other programs find it. With one,
that folder is its cache: kagglehub's ``output_dir`` cannot be resumed.
"""

from __future__ import annotations

import errno
import logging
import os
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from sentir.errors import DownloadError
from sentir.i18n import _

_CACHE_VARIABLE = "KAGGLEHUB_CACHE"
_NOTEBOOK_VARIABLE = "KAGGLE_KERNEL_RUN_TYPE"  # Kaggle's own notebooks attach data sets without a download


def get_metadata(handle: str) -> tuple[int | None, str]:
    """Ask Kaggle for the size in bytes of a data set and for its license; ``None`` and ``""`` if it does not say.

    Raises:
        DownloadError: if kagglehub is not installed, or Kaggle cannot be reached or refuses.
    """
    _import_kagglehub()
    if os.environ.get(_NOTEBOOK_VARIABLE):
        return None, ""
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

    request = ApiGetDatasetRequest()
    request.owner_slug, request.dataset_slug = handle.split("/")
    with _translate_errors(handle), build_kaggle_client() as client:
        found = client.datasets.dataset_api_client.get_dataset(request)
    return found.total_bytes or None, found.license_name or ""


def cache_folder(out: Path | None) -> Path:
    """Return the folder below which a data set comes to lie."""
    return out or Path(os.environ.get(_CACHE_VARIABLE) or Path.home() / ".cache" / "kagglehub")


def download_dataset(handle: str, out: Path | None) -> Path:
    """Download and unpack a data set, or the rest of it, and return its folder; one that is there stays as it is.

    Raises:
        DownloadError: if kagglehub is not installed, Kaggle cannot be reached or refuses, or the disk is full.
    """
    hub = _import_kagglehub()
    with _translate_errors(handle), _use_cache_folder(out):
        return Path(hub.dataset_download(handle))


@contextmanager
def _use_cache_folder(out: Path | None) -> Iterator[None]:
    before = os.environ.get(_CACHE_VARIABLE)
    if out is not None:
        os.environ[_CACHE_VARIABLE] = str(out.absolute())
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_CACHE_VARIABLE, None)
        else:
            os.environ[_CACHE_VARIABLE] = before


def _import_kagglehub() -> ModuleType:
    try:
        import kagglehub
    except ModuleNotFoundError as error:
        raise DownloadError(
            _("Kaggle is reached with the package 'kagglehub'; install it with: pip install 'sentir[kaggle]'")
        ) from error
    logging.getLogger("kagglehub").setLevel(logging.WARNING)  # it prints what it does on standard output
    return kagglehub


@contextmanager
def _translate_errors(handle: str) -> Iterator[None]:
    """Turn what kagglehub raises into one sentence; its errors of the network are all errors of ``OSError``."""
    from kagglehub import exceptions as failures

    try:
        yield
    except (failures.UnauthenticatedError, failures.CredentialError) as error:
        raise _missing_token_error(handle) from error
    except failures.DataCorruptionError as error:
        raise DownloadError(
            _(
                "What Kaggle sent of '{handle}' is damaged and was deleted; run the same command again.",
                handle=handle,
            )
        ) from error
    except (tarfile.TarError, zipfile.BadZipFile, ValueError, failures.BackendError) as error:
        raise DownloadError(
            _("Kaggle's '{handle}' cannot be used: {why}.", handle=handle, why=_first_line(error))
        ) from error
    except OSError as error:
        raise _network_error(handle, error) from error


def _network_error(handle: str, error: OSError) -> DownloadError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError(
            _("The disk is full; make room and run the same command again, it goes on from there.")
        )
    code = getattr(getattr(error, "response", None), "status_code", None)
    if code in (401, 403):
        return _missing_token_error(handle)
    if code == 404:
        return DownloadError(_("Kaggle has no data set '{handle}' any more.", handle=handle))
    if code is not None:
        return DownloadError(_("Kaggle refuses '{handle}' ({code}); try later.", handle=handle, code=code))
    if error.filename is not None:
        return DownloadError(_("{path} cannot be written: {why}.", path=error.filename, why=error.strerror))
    return DownloadError(
        _(
            "Kaggle cannot be reached, or the connection broke; check the network and run the same command "
            "again, it goes on from there."
        )
    )


def _missing_token_error(handle: str) -> DownloadError:
    return DownloadError(
        _(
            "Kaggle lets only those in who have a token, and perhaps only those who accepted the terms of "
            "https://www.kaggle.com/datasets/{handle}; make a token on https://www.kaggle.com/settings/api and "
            "put it into ~/.kaggle/access_token or KAGGLE_API_TOKEN.",
            handle=handle,
        )
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__
