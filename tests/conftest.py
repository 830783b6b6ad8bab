"""Fixtures for all tests: isolated state and cache folders, English messages, and the real corpora if present."""

import gc
import os
import signal
import sys
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from sentir import i18n
from sentir.logs import log_once
from sentir.optional_dependencies import is_installed

if is_installed("torch"):
    from sentir import torchvision_operators  # noqa: F401  (before any test imports transformers)

settings.register_profile("sentir", deadline=None, max_examples=50)  # run times are not under test
settings.load_profile("sentir")
os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when huggingface_hub is imported
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started this in the background
os.fsync = os.sync = lambda *_arguments: None  # tests kill processes, never the power

SHARED = Path(os.environ.get("SENTIR_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")


_frozen_modules = 0


def pytest_runtest_setup():
    """Exclude imported objects from the garbage collection at the end of every training, which takes 0.3 s."""
    global _frozen_modules
    if len(sys.modules) > _frozen_modules + 100:
        gc.collect()
        gc.freeze()
        _frozen_modules = len(sys.modules)


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    """An endless supply of folders that do not exist yet: making one for each test takes time."""
    root = tmp_path_factory.mktemp("homes")
    return (root / str(n) for n in count())


@pytest.fixture(autouse=True)
def isolated_home(homes, monkeypatch):
    """Give every test its own state and cache folders, English messages, and those that are logged once."""
    home = next(homes)
    monkeypatch.setenv("SENTIR_STATE_DIR", str(home / "state"))
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(home / "cache"))
    i18n.set_language("en")
    log_once.cache_clear()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real corpora; tests that need it are marked ``shared_data``."""
    if not SHARED.is_dir():
        pytest.skip(f"the real corpora are not beside the project ({SHARED}); set SENTIR_SHARED_DATA")
    return SHARED


@pytest.fixture(scope="session")
def corpus():
    """The tiny corpus, without clips."""
    from tiny_corpora import tiny_corpus

    return tiny_corpus()


@pytest.fixture(scope="session")
def spoken(tmp_path_factory):
    """The tiny corpus with its clips."""
    from tiny_corpora import spoken_corpus

    return spoken_corpus(tmp_path_factory.mktemp("spoken"))


@pytest.fixture(scope="session")
def sounds(tmp_path_factory):
    """An audio store shared by tests that do not inspect it."""
    return tmp_path_factory.mktemp("audio")


@pytest.fixture
def one_store(sounds, monkeypatch):
    """Use one audio store, so that every clip is decoded once."""
    monkeypatch.setenv("SENTIR_AUDIO_DIR", str(sounds))


@pytest.fixture
def no_report(monkeypatch):
    """Let studies render no report, neither before the trainings nor after them."""
    monkeypatch.setattr("sentir.study.outputs.dry_run_report", lambda titles, corpora, recipes: None)
    monkeypatch.setattr("sentir.study.run.save_report", lambda report, path: None)


@pytest.fixture(scope="session")
def weights(corpus, tmp_path_factory):
    """Folder of a tiny text encoder with the vocabulary of the tiny corpus."""
    from sentir.testing import make_tiny_text_backbone

    return make_tiny_text_backbone("roberta-base", tmp_path_factory.mktemp("weights"), [u.text for u in corpus])


@pytest.fixture(scope="session")
def trained_models(corpus, spoken, weights, tmp_path_factory):
    """Trained and exported models, `trained_models.TrainedModels`."""
    from tiny_corpora import spoken_recipe, tiny_recipe
    from trained_models import TrainedModels

    own = tmp_path_factory.getbasetemp()
    home = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "trained"
    home.mkdir(exist_ok=True)
    return TrainedModels(home, weights, {tiny_recipe: corpus, spoken_recipe: spoken})


@pytest.fixture(scope="module", params=["torch", "onnx"])
def backend(request):
    """Run a test for a trained model and for the exported one."""
    return request.param


@pytest.fixture(scope="module")
def text_model(trained_models, backend):
    """A text recognizer with lexical features and a window of turns."""
    return trained_models.load("text", backend)


@pytest.fixture(scope="module")
def dialogue_model(trained_models, backend):
    """A text recognizer of two tasks with a numeric feature and dialogue context."""
    return trained_models.load("dialogue", backend)


@pytest.fixture(scope="module")
def multimodal_model(trained_models, backend):
    """A multimodal recognizer, limited to two seconds and twelve tokens."""
    return trained_models.load("multimodal", backend)


@pytest.fixture(scope="module")
def stacked_model(trained_models, backend):
    """A multi-label recognizer of audio that stacks one of text."""
    return trained_models.load("stacked", backend)
