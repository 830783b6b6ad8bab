"""Data sets on Kaggle through ``kagglehub``, which resumes and unpacks; failures become one-sentence errors.

By default they go to kagglehub's own cache (``KAGGLEHUB_CACHE``), where other programs find them. With ``out``,
that folder is the cache: downloads to kagglehub's ``output_dir`` cannot be resumed.
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

from sentir.errors import DownloadError
from sentir.i18n import _
from sentir.logs import quiet_logger
from sentir.optional_dependencies import require_extra

_CACHE_VARIABLE = "KAGGLEHUB_CACHE"
_NOTEBOOK_VARIABLE = "KAGGLE_KERNEL_RUN_TYPE"  # set in Kaggle's notebooks, which have data sets attached


def get_metadata(handle: str) -> tuple[int | None, str]:
    """Return size in bytes and license of a data set on Kaggle; ``None`` and ``""`` if unknown.

    Raises:
        DownloadError: if Kaggle cannot be reached or denies access.
        MissingDependencyError: if kagglehub is not installed.
    """
    require_extra("kaggle", _("Downloading from Kaggle"))
    if os.environ.get(_NOTEBOOK_VARIABLE):
        return None, ""
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

    request = ApiGetDatasetRequest()
    request.owner_slug, request.dataset_slug = handle.split("/")
    with _translate_errors(handle), build_kaggle_client() as client:
        metadata = client.datasets.dataset_api_client.get_dataset(request)
    return metadata.total_bytes or None, metadata.license_name or ""


def cache_folder(out: Path | None) -> Path:
    """Return the folder that data sets are placed below."""
    return out or Path(os.environ.get(_CACHE_VARIABLE) or Path.home() / ".cache" / "kagglehub")


def download_dataset(handle: str, out: Path | None) -> Path:
    """Download and unpack a data set, or the rest of it, and return its folder; a complete one is left unchanged.

    Raises:
        DownloadError: if Kaggle cannot be reached or denies access, or the disk is full.
        MissingDependencyError: if kagglehub is not installed.
    """
    require_extra("kaggle", _("Downloading from Kaggle"))
    import kagglehub

    with _translate_errors(handle), _use_cache_folder(out):
        return Path(kagglehub.dataset_download(handle))


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


@contextmanager
def _translate_errors(handle: str) -> Iterator[None]:
    """Turn kagglehub's errors into one-sentence errors, without its messages; network errors are ``OSError``."""
    from kagglehub import exceptions as failures

    try:
        with quiet_logger("kagglehub", logging.WARNING):  # its progress goes to standard output
            yield
    except (failures.UnauthenticatedError, failures.CredentialError) as error:
        raise _missing_token_error(handle) from error
    except failures.DataCorruptionError as error:
        raise DownloadError(
            _(
                "The download of '{handle}' from Kaggle is damaged and was deleted; run the same command again.",
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
        return DownloadError(_("The disk is full; free some space and run the same command again to resume."))
    code = getattr(getattr(error, "response", None), "status_code", None)
    if code in (401, 403):
        return _missing_token_error(handle)
    if code == 404:
        return DownloadError(_("The data set '{handle}' is no longer on Kaggle.", handle=handle))
    if code is not None:
        return DownloadError(
            _("Kaggle denies access to '{handle}' ({code}); try again later.", handle=handle, code=code)
        )
    if error.filename is not None:
        return DownloadError(_("{path} cannot be written: {why}.", path=error.filename, why=error.strerror))
    return DownloadError(
        _(
            "Kaggle cannot be reached, or the connection was lost; check the network and run the same command "
            "again to resume."
        )
    )


def _missing_token_error(handle: str) -> DownloadError:
    return DownloadError(
        _(
            "Kaggle requires an API token, and for some data sets acceptance of the terms on "
            "https://www.kaggle.com/datasets/{handle}; create a token on https://www.kaggle.com/settings/api and "
            "save it to ~/.kaggle/access_token or KAGGLE_API_TOKEN.",
            handle=handle,
        )
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__
