"""A recipe without one of its parts: what is left, what is refused, and a study that ends on dev."""

import pytest
from study_parts import rows, stages
from tiny_corpora import tiny_recipe

from sentir.errors import RecipeError
from sentir.evaluation.locked.ledger import list_openings_by_fingerprint
from sentir.recipe import diff_settings, flatten_settings
from sentir.recipe.model import DialogueSettings
from sentir.study.plan import plan_candidates
from sentir.training.setting_checks import check_settings

WHOLE = {"context": "dialogue", "features": ["lexical", "dialogue"]}


def candidates(*ablate, model=WHOLE, **study):
    recipe = tiny_recipe("w", model=model, study={"ablate": list(ablate), **study})
    return {c.name: c.recipe for c in plan_candidates(recipe)["emotion"]}


def test_every_part_is_left_out_alone_beside_the_whole_recipe():
    found = candidates(
        "model.context", "model.features.lexical", "model.features", "data.cleaning", "train.batch_size"
    )
    assert list(found) == [
        "model",
        "model − context",
        "model − features.lexical",
        "model − features",
        "model − data.cleaning",
        "model − train.batch_size",
    ]
    whole, *others = found.values()
    assert (whole.model.context, whole.model.features) == ("dialogue", ("lexical", "dialogue"))
    changed = [
        diff_settings(flatten_settings(whole.to_dict()), flatten_settings(other.to_dict())) for other in others
    ]
    assert changed == [
        {"model.context": ("dialogue", "none")},
        {"model.features": (["lexical", "dialogue"], ["dialogue"])},
        {"model.features": (["lexical", "dialogue"], [])},
        {"data.cleaning": (list(whole.data.cleaning), [])},
        {"train.batch_size": (8, 64)},
    ]


def test_text_and_sound_are_left_out_with_what_is_measured_from_them():
    both = {"kind": "multimodal", "context": "dialogue", "features": ["functionals", "lexical", "dialogue"]}
    found = candidates("text", "audio", model=both)
    deaf, mute = found["model − audio"].model, found["model − text"].model
    assert (deaf.kind, deaf.context, deaf.features) == ("hybrid_transformer", "dialogue", ("lexical", "dialogue"))
    assert (mute.kind, mute.context, mute.features) == ("emotion_model", "none", ("functionals", "dialogue"))


def test_what_only_the_part_left_out_gave_something_to_do_goes_with_it(spoken):
    both = {
        "kind": "multimodal",
        "encoder": "finetune",
        "audio": {"backbone": "regnetx_002", "pretrained": False},
    }
    train = {"augment": {"masks": 2}, "group_by_length": True, "gradient_checkpointing": True, "lr": 0.5}
    recipe = tiny_recipe("w", model=both, train=train, study={"ablate": ["text", "audio"]})
    found = {c.name: c.recipe for c in plan_candidates(recipe)["emotion"]}
    for own in found.values():
        check_settings(own, spoken.label_space("emotion"))
    deaf, mute = found["model − audio"].train, found["model − text"].train
    assert (deaf.augment.masks, deaf.group_by_length, deaf.gradient_checkpointing, deaf.lr) == (
        0,
        True,
        True,
        0.5,
    )
    assert (mute.augment.masks, mute.group_by_length, mute.gradient_checkpointing, mute.lr) == (
        2,
        False,
        False,
        0.5,
    )


def test_settings_of_the_context_go_with_it():
    tree = {"context": "dialogue", "dialogue": {"layer": "attention", "window": 4}}
    found = candidates("model.context", model=tree)["model − context"].model
    assert (found.context, found.dialogue) == ("none", DialogueSettings())


def test_listed_candidates_stand_beside_the_ablated_ones():
    found = candidates("model.context", candidates={"wide": {"model": {"hidden_size": 32}}})
    assert list(found) == ["model", "model − context", "wide"]


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("model.contex", "did you mean 'context'"),
        ("model.dropout.x", "does without 'model.dropout.x' already"),
        ("model.features.thesis", "does without 'model.features.thesis' already"),
        ("train.class_weights", "nothing to leave out"),
        ("model", "name one with its section, such as model.context"),
        ("audio", "'hybrid_transformer' does not"),
        ("evaluation.resamples", "cannot change 'evaluation'"),
    ],
)
def test_what_cannot_be_left_out_is_said(part, says):
    with pytest.raises(RecipeError, match=says):
        candidates(part)


def test_a_candidate_cannot_take_the_name_of_the_recipe_itself():
    with pytest.raises(RecipeError, match="rename the candidate"):
        candidates("model.context", candidates={"model": {}})


def test_a_study_that_ends_on_dev_compares_the_whole_with_its_rest_and_opens_nothing(
    study, recipe, counts, corpus, tmp_path
):
    own = recipe(tasks=["emotion"], candidates={}, ablate=["model.features"], test=False)
    report = study(own.override({"model": {"features": ["lexical"]}}))
    assert (
        counts["open"] == 0
        and list_openings_by_fingerprint(corpus.test_fingerprint) == ()
        and not stages(tmp_path / "out", "test")
    )
    assert rows(report.scores, split="test") == []
    (found,) = [c for c in report.comparisons if c.a not in own.study.baselines]
    assert (found.a, found.b, found.split) == ("model", "model − features", "dev")
    assert {one.split for one in report.label_curves} == {"dev"}
    assert (tmp_path / "out" / "models" / "tiny-emotion" / "README.md").is_file()
