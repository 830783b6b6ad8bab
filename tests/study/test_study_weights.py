"""A study looks for the weights of trainings that are to be done, and for no others."""

import shutil

import pytest

from sentir.errors import WeightsError


@pytest.fixture
def movable(weights, recipe, tmp_path):
    """A recipe whose encoder lies in a folder of its own, and that folder."""
    folder = shutil.copytree(weights, tmp_path / "weights")
    study = {"tasks": ["emotion"], "seeds": [0], "candidates": {"plain": {}}}
    return recipe(**study).override({"model": {"weights": str(folder)}}), folder


def test_a_finished_study_is_done_again_without_its_weights(movable, study):
    recipe, folder = movable
    first = study(recipe)
    shutil.rmtree(folder)
    assert study(recipe).scores == first.scores
    more = recipe.override({"study": {"seeds": [0, 1]}})
    with pytest.raises(WeightsError, match="There is no model in the folder"):
        study(more)


def test_weights_that_are_missing_are_noticed_before_anything_is_trained(movable, study, counts):
    recipe, folder = movable
    shutil.rmtree(folder)
    with pytest.raises(WeightsError, match="There is no model in the folder"):
        study(recipe)
    assert not counts
