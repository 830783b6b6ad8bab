"""Whether the hub and Kaggle can be reached."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

from sentir.doctor.finding import Finding
from sentir.i18n import _

_TIMEOUT = 5.0  # seconds
_KAGGLE = "https://www.kaggle.com"


def check_hub() -> Iterator[Finding]:
    """The Hugging Face hub, or the mirror that ``HF_ENDPOINT`` names."""
    from huggingface_hub import constants, get_token

    if constants.HF_HUB_OFFLINE:
        yield Finding("hub", "note", _("HF_HUB_OFFLINE is set: only cached models are used"))
        return
    token = _("with a token") if get_token() else _("without a token")
    yield _check_host("hub", constants.ENDPOINT, token)


def check_kaggle() -> Iterator[Finding]:
    """Kaggle, from which ``sentir corpus get`` downloads."""
    has_token = "KAGGLE_API_TOKEN" in os.environ or "KAGGLE_KEY" in os.environ or _has_kaggle_file()
    yield _check_host("kaggle", _KAGGLE, _("with a token") if has_token else _("without a token"))


def _has_kaggle_file() -> bool:
    folder = Path(os.path.expanduser("~/.kaggle"))  # unlike Path.home, it works where there is no home
    return any((folder / name).is_file() for name in ("kaggle.json", "access_token"))


def _check_host(name: str, address: str, token: str) -> Finding:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=_TIMEOUT):
            pass
    except HTTPError:
        pass  # it answers
    except (OSError, ValueError) as error:
        why = str(getattr(error, "reason", error))
        return Finding(
            name, "note", _("{address} cannot be reached ({why})", address=address, why=why),
            _("Nothing needs it but downloads; give folders instead of names."),
        )  # fmt: skip
    return Finding(name, "ok", _("{address} can be reached, {token}", address=address, token=token))
