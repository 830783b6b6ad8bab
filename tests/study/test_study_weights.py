"""A study needs the weights of unfinished trainings, and no others."""

import shutil

import pytest

from sentir.errors import WeightsError


@pytest.fixture
def movable(weights, recipe, tmp_path):
    """A recipe with its encoder in a folder of its own, and that folder."""
    folder = shutil.copytree(weights, tmp_path / "weights")
    study = {"tasks": ["emotion"], "seeds": [0], "candidates": {"plain": {}}}
    return recipe(**study).override({"model": {"weights": str(folder)}}), folder


def test_a_finished_study_reruns_without_its_weights(movable, study):
    recipe, folder = movable
    first = study(recipe)
    shutil.rmtree(folder)
    assert study(recipe).scores == first.scores
    more = recipe.override({"study": {"seeds": [0, 1]}})
    with pytest.raises(WeightsError, match="has no model"):
        study(more)


def test_missing_weights_are_noticed_before_training(movable, study, counts):
    recipe, folder = movable
    shutil.rmtree(folder)
    with pytest.raises(WeightsError, match="has no model"):
        study(recipe)
    assert not counts
