"""Models to serve, and clients of apps."""

import pytest
from tiny_corpora import spoken_recipe, tiny_recipe

from sentir.serving.app import create_app
from sentir.serving.settings import ServerSettings
from sentir.training.recognizers import fit_recognizer

pytestmark = pytest.mark.usefixtures("one_store")


@pytest.fixture(scope="session")
def text_model(corpus, weights):
    return fit_recognizer(tiny_recipe(weights, model={"features": ["lexical"]}), corpus)[0]


@pytest.fixture(scope="session")
def both_model(spoken, weights, sounds):
    """A multimodal model with dialogue context."""
    model = {"kind": "multimodal", "modality_dropout": 0.1, "context": "dialogue"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
        return fit_recognizer(spoken_recipe(weights, model=model), spoken)[0]


@pytest.fixture
def client(text_model, both_model):
    """A client of a server of both models."""
    from starlette.testclient import TestClient

    app = create_app({"text": text_model, "both": both_model}, ServerSettings(purpose="research"))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def serve(text_model):
    """From settings to a client of a server of the text model; closed at the end."""
    from contextlib import ExitStack

    from starlette.testclient import TestClient

    with ExitStack() as stack:

        def serve(settings=None, **models):
            app = create_app(models or {"text": text_model}, settings or ServerSettings())
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield serve
