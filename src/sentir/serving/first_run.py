"""What `sentir serve` serves without a model: the starter, and the demo model with audio where there is one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from sentir.i18n import _
from sentir.optional_dependencies import is_installed
from sentir.paths import STARTER, PathLike
from sentir.preflight import METADATA_FILE
from sentir.serving.logging import logger
from sentir.serving.purposes import PURPOSES
from sentir.serving.settings import ServerSettings

DEMO_STUDY = Path("runs/demo")  # of ``make run``
DEMO_NAME = "demo"
DEMO_PURPOSE = "research"
_KINDS_WITH_AUDIO = ("emotion_model", "multimodal")


def first_models(folder: Path, settings: ServerSettings) -> tuple[dict[str, PathLike], ServerSettings]:
    """Return the models by name, and the settings with a purpose if the demo model needs one.

    The demo model was trained on synthetic voices: it is there to try recordings, which is research or teaching
    unless another purpose is declared.

    Args:
        folder: in which a demo study may have been run.
        settings: of the server.
    """
    demo = _find_demo(folder / DEMO_STUDY / "models")
    is_prohibited = bool(settings.purpose) and PURPOSES[settings.purpose].is_prohibited
    if demo is None or is_prohibited or not is_installed("torch"):
        return {STARTER: STARTER}, settings
    if not settings.purpose:
        settings = replace(settings, purpose=DEMO_PURPOSE)
        logger.warning(
            _("The demo model is served to try recordings, for the purpose '{purpose}'.", purpose=DEMO_PURPOSE)
        )
    return {STARTER: STARTER, DEMO_NAME: demo}, settings


def _find_demo(models: Path) -> Path | None:
    """Return the first model of a study that takes audio and was trained on synthetic voices."""
    found = sorted(path.parent for path in models.glob(f"*/{METADATA_FILE}"))
    return next((one for one in found if _is_synthetic_with_audio(one / METADATA_FILE)), None)


def _is_synthetic_with_audio(metadata: Path) -> bool:
    try:
        tree: Any = json.loads(metadata.read_text(encoding="utf-8"))
        return tree["facts"]["synthetic"] is True and tree["recipe"]["model"]["kind"] in _KINDS_WITH_AUDIO
    except (OSError, ValueError, KeyError, TypeError):
        return False
