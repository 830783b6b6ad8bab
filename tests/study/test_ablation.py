"""Ablation: the recipe without one of its parts, what cannot be ablated, and a study on dev."""

import pytest
from study_parts import rows, stages
from tiny_corpora import tiny_recipe

from sentir.errors import RecipeError
from sentir.evaluation.locked.ledger import list_openings_by_fingerprint
from sentir.recipe import diff_settings, flatten_settings
from sentir.recipe.model import DialogueSettings
from sentir.study.plan import plan_candidates
from sentir.training.setting_checks import check_settings

FULL = {"context": "dialogue", "features": ["lexical", "dialogue"]}


def candidates(*ablate, model=FULL, **study):
    recipe = tiny_recipe("w", model=model, study={"ablate": list(ablate), **study})
    return {c.name: c.recipe for c in plan_candidates(recipe)["emotion"]}


def test_every_part_is_ablated_alone_next_to_the_full_recipe():
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
    full, *others = found.values()
    assert (full.model.context, full.model.features) == ("dialogue", ("lexical", "dialogue"))
    changed = [
        diff_settings(flatten_settings(full.to_dict()), flatten_settings(other.to_dict())) for other in others
    ]
    assert changed == [
        {"model.context": ("dialogue", "none")},
        {"model.features": (["lexical", "dialogue"], ["dialogue"])},
        {"model.features": (["lexical", "dialogue"], [])},
        {"data.cleaning": (list(full.data.cleaning), [])},
        {"train.batch_size": (8, 64)},
    ]


def test_text_and_audio_are_ablated_with_the_features_computed_from_them():
    both = {"kind": "multimodal", "context": "dialogue", "features": ["functionals", "lexical", "dialogue"]}
    found = candidates("text", "audio", model=both)
    text_only, audio_only = found["model − audio"].model, found["model − text"].model
    assert (text_only.kind, text_only.context, text_only.features) == (
        "hybrid_transformer",
        "dialogue",
        ("lexical", "dialogue"),
    )
    assert (audio_only.kind, audio_only.context, audio_only.features) == (
        "emotion_model",
        "none",
        ("functionals", "dialogue"),
    )


def test_settings_without_effect_after_an_ablation_are_reset(spoken):
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
    text_only, audio_only = found["model − audio"].train, found["model − text"].train
    assert (
        text_only.augment.masks,
        text_only.group_by_length,
        text_only.gradient_checkpointing,
        text_only.lr,
    ) == (
        0,
        True,
        True,
        0.5,
    )
    assert (
        audio_only.augment.masks,
        audio_only.group_by_length,
        audio_only.gradient_checkpointing,
        audio_only.lr,
    ) == (
        2,
        False,
        False,
        0.5,
    )


def test_settings_of_the_context_are_ablated_with_it():
    tree = {"context": "dialogue", "dialogue": {"layer": "attention", "window": 4}}
    found = candidates("model.context", model=tree)["model − context"].model
    assert (found.context, found.dialogue) == ("none", DialogueSettings())


def test_listed_candidates_are_added_to_the_ablated_ones():
    found = candidates("model.context", candidates={"wide": {"model": {"hidden_size": 32}}})
    assert list(found) == ["model", "model − context", "wide"]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("model.contex", "did you mean 'context'"),
        ("model.dropout.x", "does not use 'model.dropout.x'"),
        ("model.features.thesis", "does not use 'model.features.thesis'"),
        ("train.class_weights", "nothing to ablate"),
        ("model", "give it with its section, such as model.context"),
        ("audio", "which 'hybrid_transformer' is not"),
        ("evaluation.resamples", "cannot change 'evaluation'"),
    ],
)
def test_an_impossible_ablation_raises(part, message):
    with pytest.raises(RecipeError, match=message):
        candidates(part)


def test_a_candidate_cannot_take_the_name_of_the_recipe_itself():
    with pytest.raises(RecipeError, match="rename the candidate"):
        candidates("model.context", candidates={"model": {}})


def test_an_ablation_study_on_dev_compares_the_full_recipe_and_does_not_evaluate_test(
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
