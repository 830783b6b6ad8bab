"""Recognizers of audio, with stacking, or both: training, saving, loading and missing modalities."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from safetensors.torch import load_file
from tiny_corpora import spoken_recipe, stacking_on_text

from sentir.api.evaluation import predict_split
from sentir.errors import RecognizerError
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.metrics import compute_scores, resolve_metric
from sentir.recognizer.recognizer import Recognizer
from sentir.study.baselines import fit_predict_baseline
from sentir.study.stacking import train_recognizer

pytestmark = pytest.mark.usefixtures("one_store")
TASKS = ("emotion", "feelings")
KINDS = ("audio", "features", "stacked", "multimodal", "trimodal")
TRAIN = {"epochs": 6, "lr": 0.01, "encoder_lr": 0.01, "patience": 6}
PAIRS = [(kind, TASKS[n % 2]) for n, kind in enumerate(KINDS)]
MARGIN = 0.15  # above the majority class


def recipe_of(kind, task, weights):
    on_text = stacking_on_text(weights, folds=2)["model"]
    multimodal = {"kind": "multimodal", "encoder": "finetune", "layers": [0]}
    model = {
        "audio": {},
        "features": {"features": ["thesis", "dialogue"]},
        "stacked": on_text,
        "multimodal": multimodal,
        "trimodal": {
            **on_text, "kind": "multimodal", "features": ["stacked", "functionals", "lexical"],
            "fusion": "concat", "context": "dialogue",
        },
    }[kind]  # fmt: skip
    return spoken_recipe(weights, data={"task": task}, model=model, train=TRAIN)


@pytest.fixture(scope="module")
def trained(spoken, weights, sounds, tmp_path_factory):
    """(kind, task) → recognizer and its dev predictions, each trained once."""
    models, home = {}, tmp_path_factory.mktemp("home")

    def get(kind, task):
        if (kind, task) not in models:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SENTIR_CACHE_DIR", str(home))
                patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
                models[kind, task] = train_recognizer(recipe_of(kind, task, weights), spoken)
        return models[kind, task]

    return get


def assert_same(one, other, utterances):
    first, second = one.predict_utterances(utterances), other.predict_utterances(utterances)
    np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-6)
    assert first.ids == second.ids and one.labels(first) == other.labels(second)


@pytest.mark.parametrize(("kind", "task"), PAIRS)
def test_it_learns_from_audio(kind, task, trained, spoken):
    recognizer, dev = trained(kind, task)
    space, metric = recognizer.space, resolve_metric(recognizer.space)
    truth = space.encode([u.labels[task] for u in spoken.dev])

    def value(predictions):
        p = predictions.select(u.id for u in spoken.dev).probabilities
        return compute_scores(space, truth, p, tune_thresholds(space, truth, p))[metric]

    chance = value(fit_predict_baseline("majority", recognizer.recipe, spoken, metric, ["dev"])["dev"])
    assert value(dev) > chance + MARGIN
    assert value(dev) == pytest.approx(recognizer.facts["dev_score"])


@pytest.mark.parametrize("skip_frozen_weights", [False, True])
@pytest.mark.parametrize(("kind", "task"), PAIRS)
def test_saved_and_loaded_it_predicts_the_same(kind, task, skip_frozen_weights, trained, spoken, tmp_path):
    recognizer, dev = trained(kind, task)
    recognizer.save_pretrained(tmp_path / "saved", skip_frozen_weights=skip_frozen_weights)
    loaded = Recognizer.from_pretrained(tmp_path / "saved")
    assert_same(recognizer, loaded, spoken.test)
    np.testing.assert_allclose(loaded.predict_utterances(spoken.dev).probabilities, dev.probabilities, atol=1e-6)
    assert loaded.modalities == recognizer.modalities and loaded.recipe == recognizer.recipe
    files = [path for path in (tmp_path / "saved").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".safetensors"} | (
        set() if skip_frozen_weights else {".md"}
    )
    for path in files:
        content = load_file(path) if path.suffix == ".safetensors" else path.read_text(encoding="utf-8")
        assert json.loads(content) if path.suffix == ".json" else content


@pytest.mark.parametrize(
    ("kind", "modalities"),
    [("audio", {"audio"}), ("stacked", {"text", "audio"}), ("multimodal", {"text", "audio"})],
)
def test_modalities_include_those_of_the_stacked_model(kind, modalities, trained):
    assert trained(kind, "emotion")[0].modalities == modalities


def test_a_save_removes_an_earlier_stacked_model(trained, spoken, tmp_path):
    trained("stacked", "emotion")[0].save_pretrained(tmp_path)
    assert (tmp_path / "stacked" / "sentir.json").is_file()
    trained("audio", "emotion")[0].save_pretrained(tmp_path)
    files = {"README.es.md", "README.md", "model.safetensors", "sentir.json"}
    assert {path.name for path in tmp_path.iterdir()} == files
    assert_same(trained("audio", "emotion")[0], Recognizer.from_pretrained(tmp_path), spoken.dev)


def test_saving_a_loaded_model_to_its_own_folder_changes_nothing(trained, spoken, tmp_path):
    trained("trimodal", "emotion")[0].save_pretrained(tmp_path)
    loaded = Recognizer.from_pretrained(tmp_path)
    loaded.save_pretrained(tmp_path)
    assert_same(trained("trimodal", "emotion")[0], Recognizer.from_pretrained(tmp_path), spoken.dev)


# Any input


@pytest.mark.parametrize(("kind", "task"), PAIRS)
def test_utterances_without_a_modality_are_predicted_in_any_batch(kind, task, trained, outside):
    recognizer = trained(kind, task)[0]
    together = recognizer.predict_utterances(outside)
    assert together.ids == tuple(u.id for u in outside) and np.isfinite(together.probabilities).all()
    reverse = recognizer.predict_utterances(outside[::-1]).select(together.ids)
    np.testing.assert_allclose(reverse.probabilities, together.probabilities, atol=1e-5)
    for u in outside[3:] if kind in ("features", "trimodal") else outside:  # which use the dialogue
        np.testing.assert_allclose(recognizer.predict_utterances([u])[u.id], together[u.id], atol=1e-5)
    assert len(recognizer.predict_utterances([])) == 0


@pytest.mark.parametrize("kind", ["multimodal", "trimodal"])
def test_audio_and_text_both_matter(kind, trained, spoken):
    recognizer = trained(kind, "emotion")[0]
    labeled = {u.labels["emotion"][0]: u for u in spoken.dev}
    soft, loud = labeled["neutral"], labeled["joy"]
    variants = [soft, replace(soft, clip=loud.clip), replace(soft, text=labeled["sadness"].text)]
    plain, other_audio, other_text = (recognizer.predict_utterances([u]).probabilities[0] for u in variants)
    assert np.abs(plain - other_audio).max() > 1e-3 and np.abs(plain - other_text).max() > 1e-3


# Damaged folders


def remove_statistics(folder):
    path = folder / "sentir.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"mel_statistics": None}))


DAMAGES = {
    "no mel statistics": remove_statistics,
    "no stacked model": lambda folder: shutil.rmtree(folder / "stacked"),
    "stacked model truncated": lambda folder: (folder / "stacked" / "sentir.json").write_text("{"),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_an_error(damage, trained, tmp_path):
    trained("stacked", "emotion")[0].save_pretrained(tmp_path / "saved")
    DAMAGES[damage](tmp_path / "saved")
    with pytest.raises(RecognizerError) as caught:
        Recognizer.from_pretrained(tmp_path / "saved")
    assert str(tmp_path / "saved") in str(caught.value) and "\n" not in str(caught.value)


# Optional modalities


def test_a_model_of_earlier_functionals_is_refused_with_one_sentence(trained, tmp_path):
    trained("trimodal", "emotion")[0].save_pretrained(tmp_path / "saved")
    facts = tmp_path / "saved" / "sentir.json"
    facts.write_text(facts.read_text().replace("functionals.f0_semitone_mean", "functionals.band1_mean"))
    expected = (
        "column 'functionals.band1_mean', which the feature set 'functionals' of this version .*train it again"
    )
    with pytest.raises(RecognizerError, match=expected):
        Recognizer.from_pretrained(tmp_path / "saved")


@pytest.mark.parametrize(
    ("kind", "optional"),
    [("audio", set()), ("stacked", set()), ("multimodal", {"text", "audio"}), ("text", set())],
)
def test_optional_modalities(kind, optional, trained):
    recognizer = trained("stacked", "emotion")[0].stacked if kind == "text" else trained(kind, "emotion")[0]
    assert recognizer.optional_modalities == optional <= recognizer.modalities


def test_a_modality_missing_in_one_percent_of_train_is_optional(trained):
    stacked = trained("stacked", "emotion")[0]
    n = stacked.facts["data"]["train"]["utterances"]

    def with_missing(recognizer, **counts):
        return replace(recognizer, facts={**recognizer.facts, "missing_modalities": {"train": counts, "dev": {}}})

    assert with_missing(stacked, audio=1).optional_modalities == {"audio"} and n < 100
    assert with_missing(stacked, audio=0).optional_modalities == set()
    many = {**stacked.facts["data"], "train": {**stacked.facts["data"]["train"], "utterances": 1000}}
    for count, optional in ((9, set()), (10, {"audio"})):
        one = with_missing(stacked, audio=count)
        assert replace(one, facts={**one.facts, "data": many}).optional_modalities == optional
    assert replace(stacked, stacked=with_missing(stacked.stacked, text=1)).optional_modalities == {"text"}
    both = replace(with_missing(stacked, audio=1), stacked=with_missing(stacked.stacked, text=1))
    assert both.optional_modalities == both.modalities
    old = replace(stacked, facts={}, stacked=replace(stacked.stacked, facts={}))
    assert old.optional_modalities == old.modalities, "where nothing was counted"
    complete = trained("multimodal", "emotion")[0]
    recipe = complete.recipe.override({"model": {"modality_dropout": 0.0}})
    assert replace(complete, recipe=recipe).optional_modalities == set()


def test_a_split_with_such_utterances_is_scored_with_one_warning(trained, spoken, monkeypatch):
    warnings = []
    monkeypatch.setattr("sentir.logs.logger.warning", warnings.append)
    rows = [replace(u, clip=None) if n < 4 else u for n, u in enumerate(spoken.dev)]
    stacked = trained("stacked", "emotion")[0]
    found = predict_split(stacked, rows)
    assert found.ids == tuple(u.id for u in rows)
    np.testing.assert_allclose(found.probabilities, stacked.predict_utterances(rows).probabilities, atol=1e-6)
    assert warnings == [
        "4 of 15 utterances have no usable audio, which the model was not trained without; they are scored all "
        "the same."
    ]
    predict_split(trained("multimodal", "emotion")[0], rows)
    predict_split(stacked, spoken.dev)
    assert len(warnings) == 1
