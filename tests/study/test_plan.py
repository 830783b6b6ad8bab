"""The candidates of a recipe's study."""

import pytest
from tiny_corpora import tiny_recipe

from sentir.errors import RecipeError
from sentir.study.plan import plan_candidates

STUDY = {
    "tasks": ["emotion", "feelings"],
    "seeds": [3, 5],
    "candidates": {"plain": {}, "tuned": {"model": {"encoder": "finetune"}, "train": {"epochs": 7}}},
}


def test_every_task_has_every_candidate_with_its_own_settings():
    tasks = plan_candidates(tiny_recipe("w", study=STUDY))
    assert {task: [c.name for c in found] for task, found in tasks.items()} == {
        "emotion": ["plain", "tuned"],
        "feelings": ["plain", "tuned"],
    }
    plain, tuned = tasks["feelings"]
    assert (plain.recipe.data.task, plain.recipe.model.encoder, plain.recipe.train.epochs) == (
        "feelings",
        "frozen",
        2,
    )
    assert (tuned.recipe.model.encoder, tuned.recipe.train.epochs) == ("finetune", 7)
    assert tuned.recipe.model.hidden_size == plain.recipe.model.hidden_size == 16


def test_one_training_has_the_candidates_name_and_a_seed():
    (plain, _tuned), _feelings = plan_candidates(tiny_recipe("w", study=STUDY)).values()
    trainings = [plain.with_seed(seed) for seed in plain.seeds]
    assert [(t.name, t.train.seed) for t in trainings] == [("plain", 3), ("plain", 5)]


def test_other_settings_of_the_study_do_not_change_a_training():
    alone = STUDY | {"candidates": {"plain": {}}, "always_report": ["plain"], "tasks": ["emotion"]}
    (one,) = plan_candidates(tiny_recipe("w", study=alone))["emotion"]
    assert one.recipe == plan_candidates(tiny_recipe("w", study=STUDY))["emotion"][0].recipe


def test_without_candidates_the_recipe_itself_is_the_candidate():
    recipe = tiny_recipe("w", data={"task": "feelings"})
    ((task, (only,)),) = plan_candidates(recipe).items()
    assert (task, only.name, only.seeds) == ("feelings", "model", (0,))
    assert only.recipe.model == recipe.model and only.recipe.train == recipe.train


def test_a_wrong_key_names_the_candidate():
    wrong = STUDY | {"candidates": {"odd": {"train": {"epoch": 3}}}}
    with pytest.raises(RecipeError, match=r"study\.candidates\.odd.*'train\.epoch'.*did you mean 'epochs'"):
        plan_candidates(tiny_recipe("w", study=wrong))


def test_without_seeds_a_candidate_is_trained_once_with_its_own_seed():
    listed = {"plain": {}, "other": {"train": {"seed": 5}}}
    (found,) = plan_candidates(tiny_recipe("w", train={"seed": 7}, study={"candidates": listed})).values()
    assert {c.name: c.seeds for c in found} == {"plain": (7,), "other": (5,)}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"data": {"reader": "meld"}}, "data.reader"),
        ({"data": {"cleaning": [], "task": "feelings"}}, "data.task"),
        ({"evaluation": {"metric": "macro_f1"}}, "evaluation"),
        ({"modl": {}}, "modl"),
    ],
)
def test_settings_shared_by_all_candidates_cannot_be_overridden(changes, key):
    with pytest.raises(RecipeError, match=rf"study\.candidates\.odd: a candidate cannot change '{key}'"):
        plan_candidates(tiny_recipe("w", study={"candidates": {"odd": changes}}))


def test_a_candidate_may_have_its_own_cleaning():
    own = {"data": {"cleaning": ["lowercase"], "min_train_words": 2}}
    (((only,),)) = plan_candidates(tiny_recipe("w", study={"candidates": {"own": own}})).values()
    assert (only.recipe.data.cleaning, only.recipe.data.min_train_words) == (("lowercase",), 2)
