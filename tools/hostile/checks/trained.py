"""Small saved models that checks damage or serve; trained once for all checks of a run."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from tiny_corpora import spoken_corpus, spoken_recipe, tiny_corpus, tiny_recipe
from trained_models import TrainedModels

from hostile.guarding import scratch_folder
from sentir.testing import make_tiny_text_backbone


@cache
def train() -> TrainedModels:
    """Return what trains and exports the models of the tests, in a folder of this run or ``HOSTILE_MODELS``."""
    given = os.environ.get("HOSTILE_MODELS")
    home = Path(given or tempfile.mkdtemp(prefix="hostile-models-", dir=scratch_folder()))
    if not given:
        atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ |= {"SENTIR_STATE_DIR": str(home / "state"), "SENTIR_CACHE_DIR": str(home / "cache")}
    corpus, spoken = tiny_corpus(), spoken_corpus(home / "spoken")
    weights = make_tiny_text_backbone("roberta-base", home / "weights", [u.text for u in corpus])
    (home / "trained").mkdir(exist_ok=True)
    return TrainedModels(home / "trained", weights, {tiny_recipe: corpus, spoken_recipe: spoken})
