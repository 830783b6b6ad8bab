"""What `sentir serve` serves without a model."""

import json

import pytest

from sentir.serving.first_run import first_models
from sentir.serving.settings import ServerSettings


def saved(folder, kind="emotion_model", *, synthetic=True):
    """The metadata of a saved model, as far as it is looked at."""
    folder.mkdir(parents=True)
    tree = {"facts": {"synthetic": synthetic}, "recipe": {"model": {"kind": kind}}}
    (folder / "sentir.json").write_text(json.dumps(tree))
    return folder


@pytest.fixture
def study(tmp_path):
    return tmp_path / "runs" / "demo" / "models"


def test_the_starter_alone_where_no_demo_was_run(tmp_path, study):
    study.mkdir(parents=True)
    assert first_models(tmp_path, ServerSettings()) == ({"starter": "starter"}, ServerSettings())


def test_the_first_demo_model_with_audio_for_research(tmp_path, study):
    saved(study / "a", "hybrid_transformer")
    saved(study / "b", synthetic=False)
    demo = saved(study / "c", "multimodal")
    saved(study / "d")
    models, settings = first_models(tmp_path, ServerSettings(token="x"))
    assert models == {"starter": "starter", "demo": demo}
    assert settings == ServerSettings("research", token="x")


@pytest.mark.parametrize(("purpose", "n"), [("entertainment", 2), ("workplace", 1)])
def test_a_declared_purpose_stays_and_a_prohibited_one_has_no_audio(tmp_path, study, purpose, n):
    saved(study / "a")
    models, settings = first_models(tmp_path, ServerSettings(purpose))
    assert len(models) == n and settings.purpose == purpose


@pytest.mark.parametrize("content", ["", "[]", '{"facts": 1}', '{"baseline": "majority"}'])
def test_what_is_no_saved_model_is_passed_over(tmp_path, study, content):
    (study / "a").mkdir(parents=True)
    (study / "a" / "sentir.json").write_text(content)
    models, _settings = first_models(tmp_path, ServerSettings())
    assert list(models) == ["starter"]
