"""Multi-task models: labels of auxiliary tasks change the loss and nothing else."""

import csv
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from pipelines import Pipeline
from tiny_corpora import spoken_recipe, tiny_corpus, tiny_recipe
from torch.nn import functional

from sentir.api import predict, write_predictions
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace
from sentir.corpus.sealed import SealedLabels
from sentir.errors import CorpusError, RecipeError
from sentir.evaluation.metrics import compute_scores
from sentir.explanation.dev_predictor import DevPredictor
from sentir.explanation.score_function import make_score_function, prepare_with_tokens
from sentir.recipe import TrainSettings
from sentir.recognizer.recognizer import Recognizer
from sentir.training.fitting import check_training, fit
from sentir.training.losses import encode_targets, multi_task_loss, recipe_loss, stack_targets
from sentir.training.recognizers import fit_recognizer

SPACES = [
    SingleLabelSpace("emotion", ("anger", "joy", "neutral")),
    MultiLabelSpace("feelings", ("fear", "joy")),
    RegressionSpace("valence", "valence", (-3.0, 3.0)),
]
LABELS = [
    [("joy",), ("neutral",), None, ("anger",), ("neutral",), ("joy",)],
    [("joy",), None, ("fear", "joy"), (), None, ("fear",)],
    [(3.0,), (0.0,), None, None, None, (-1.5,)],
]
TARGETS = [encode_targets(space, rows) for space, rows in zip(SPACES, LABELS, strict=True)]
BOTH = {"model": {"auxiliary_tasks": ["feelings"]}}


def losses_of(logits, rows=slice(None)):
    """Return the mean loss of each task over its labels, by torch."""
    emotion, feelings, valence = logits.split([3, 2, 1], dim=1)
    labeled = [t[rows] != -100 for t in TARGETS]
    return [
        functional.cross_entropy(emotion[labeled[0]], TARGETS[0][rows][labeled[0]]),
        functional.binary_cross_entropy_with_logits(feelings[labeled[1]], TARGETS[1][rows][labeled[1]]),
        functional.l1_loss(valence[:, 0][labeled[2]], TARGETS[2][rows][labeled[2]]),
    ]


def logits(n=6):
    return torch.randn(n, 6, generator=torch.Generator().manual_seed(0), requires_grad=True)


def test_the_loss_is_the_main_one_plus_the_weight_times_the_others_each_a_mean_over_its_labels():
    scores = logits()
    loss = multi_task_loss(SPACES, TARGETS, TrainSettings(auxiliary_weight=0.3))
    main, *others = losses_of(scores)
    total = loss(scores, stack_targets(TARGETS[0], TARGETS[1:]))
    torch.testing.assert_close(total, main + 0.3 * sum(others))


def test_a_missing_label_has_no_gradient_in_its_task():
    scores = logits()
    multi_task_loss(SPACES, TARGETS, TrainSettings())(scores, stack_targets(TARGETS[0], TARGETS[1:])).backward()
    moved = [part.abs().sum(1) > 0 for part in scores.grad.split([3, 2, 1], dim=1)]
    assert [part.tolist() for part in moved] == [[row is not None for row in rows] for rows in LABELS]


def test_losses_of_micro_batches_add_up_to_that_of_the_batch():
    loss, scores = multi_task_loss(SPACES, TARGETS, TrainSettings()), logits()
    labels = stack_targets(TARGETS[0], TARGETS[1:])
    items = (labels != -100).sum()
    parts = [loss(scores[rows], labels[rows], items) for rows in (slice(0, 2), slice(2, 6))]
    torch.testing.assert_close(sum(parts), loss(scores, labels))


def test_the_settings_of_the_loss_are_for_the_main_task():
    settings, scores = TrainSettings(class_weights="inverse", label_smoothing=0.2, logit_adjustment=1.0), logits()
    total = multi_task_loss(SPACES, TARGETS, settings)(scores, stack_targets(TARGETS[0], TARGETS[1:]))
    main = recipe_loss(SPACES[0], TARGETS[0], settings)(scores[:, :3], TARGETS[0])
    torch.testing.assert_close(total, main + sum(losses_of(scores)[1:]))


def test_a_single_task_has_unchanged_targets_and_loss():
    scores = logits()[:, :3]
    assert stack_targets(TARGETS[0], []) is TARGETS[0]
    total = multi_task_loss(SPACES[:1], TARGETS[:1], TrainSettings())(scores, TARGETS[0])
    assert torch.equal(total, recipe_loss(SPACES[0], TARGETS[0], TrainSettings())(scores, TARGETS[0]))


@pytest.fixture(scope="module")
def learned(corpus, weights):
    """(task, auxiliary task) → a recognizer of both, trained until it fits, and its predictions for dev."""
    trained = {}

    def get(task, other):
        if task not in trained:
            train = {"epochs": 20, "encoder_lr": 0.01, "patience": 20}
            changes = {
                "data": {"task": task},
                "model": {"auxiliary_tasks": [other], "encoder": "finetune", "layers": [0]},
            }
            trained[task] = fit_recognizer(tiny_recipe(weights, **changes, train=train), corpus)
        return trained[task]

    return get


@pytest.mark.parametrize(("task", "other"), [("emotion", "feelings"), ("feelings", "emotion")])
def test_both_tasks_are_learned_and_the_main_one_selects_the_epoch(task, other, learned, corpus):
    recognizer, dev = learned(task, other)
    predictions = recognizer.predict_tasks(corpus.dev)
    assert list(predictions) == [task, other] and [one.space.task for one in recognizer.auxiliary_tasks] == [
        other
    ]
    assert recognizer.space.task == task and dev.label_space == corpus.label_space(task)
    np.testing.assert_allclose(predictions[task].probabilities, dev.probabilities, atol=1e-6)
    np.testing.assert_array_equal(
        recognizer.predict_utterances(corpus.dev).probabilities, predictions[task].probabilities
    )
    thresholds = {task: recognizer.thresholds, other: recognizer.auxiliary_tasks[0].thresholds}
    scores = {}
    for name, p in predictions.items():
        truth = p.label_space.encode([u.labels[name] for u in corpus.dev])
        scores[name] = compute_scores(p.label_space, truth, p.probabilities, thresholds[name])["macro_f1"]
    assert min(scores.values()) > 0.7, scores
    metric = {"emotion": "weighted_f1", "feelings": "macro_f1"}[task]
    truth = dev.label_space.encode([u.labels[task] for u in corpus.dev])
    assert recognizer.facts["dev_score"] == pytest.approx(
        compute_scores(dev.label_space, truth, dev.probabilities, recognizer.thresholds)[metric]
    )


@pytest.mark.parametrize(("task", "other"), [("emotion", "feelings"), ("feelings", "emotion")])
def test_saved_and_loaded_it_predicts_the_same_in_each_task(task, other, learned, corpus, tmp_path):
    recognizer, _dev = learned(task, other)
    recognizer.save_pretrained(tmp_path)
    again = Recognizer.from_pretrained(tmp_path)
    one, two = recognizer.predict_tasks(corpus.test), again.predict_tasks(corpus.test)
    for name in (task, other):
        np.testing.assert_allclose(one[name].probabilities, two[name].probabilities, atol=1e-6)
    assert again.auxiliary_tasks[0].calibration == recognizer.auxiliary_tasks[0].calibration
    np.testing.assert_array_equal(again.auxiliary_tasks[0].thresholds, recognizer.auxiliary_tasks[0].thresholds)


def test_a_prediction_has_auxiliary_tasks(learned):
    found = predict(learned("emotion", "feelings")[0], "I am happy.")
    assert found.labels == ("joy",) and list(found.other_tasks) == ["feelings"]
    assert set(found.other_tasks["feelings"].probabilities) == {"joy", "sadness"}
    assert "joy" in found.other_tasks["feelings"].labels


def test_auxiliary_tasks_have_columns(dialogue_model, tmp_path):
    rows = predict(dialogue_model, ["I am happy.", "She is crying today."])
    missing = replace(rows[0], id="none", labels=(), probabilities={}, problem="no text", other_tasks={})
    write_predictions([missing, *rows], tmp_path / "predictions.csv")
    found = list(csv.DictReader((tmp_path / "predictions.csv").open(encoding="utf-8")))
    assert [row["problem"] for row in found] == ["no text", "", ""] and found[0]["feelings.label"] == ""
    for row, prediction in zip(found[1:], rows, strict=True):
        assert row["feelings.label"] == "|".join(prediction.other_tasks["feelings"].labels)
        assert float(row["feelings.p_joy"]) == pytest.approx(
            prediction.other_tasks["feelings"].probabilities["joy"], abs=1e-6
        )
        assert float(row["p_joy"]) == pytest.approx(prediction.probabilities["joy"], abs=1e-6)


@pytest.mark.parametrize(("task", "other"), [("emotion", "feelings"), ("feelings", "emotion")])
def test_explanations_are_of_the_main_task(task, other, learned, corpus):
    recognizer, dev = learned(task, other)
    np.testing.assert_allclose(
        DevPredictor(recognizer, corpus).predict().probabilities, dev.probabilities, atol=1e-6
    )
    inputs = prepare_with_tokens(recognizer, corpus.dev)
    for label, name in enumerate(dev.label_space.names):
        score_function, _unit = make_score_function(recognizer, inputs, 3, label)
        with torch.no_grad():
            score = score_function.score().item()
        p = dev.probabilities[3, label]
        assert score == pytest.approx(np.log(p / (1 - p)), abs=1e-3), name


def test_the_card_names_auxiliary_tasks(learned, tmp_path):
    recognizer, _dev = learned("emotion", "feelings")
    recognizer.save_pretrained(tmp_path)
    assert "| auxiliary tasks | feelings |" in (tmp_path / "README.md").read_text(encoding="utf-8")


def shuffled(task):
    """Return the tiny corpus with the labels of one task shuffled within each split."""
    plain, rng = tiny_corpus(), random.Random(1)
    labels = {}
    for split in ("train", "dev"):
        rows = [u.labels[task] for u in plain.split(split)]
        rng.shuffle(rows)
        labels |= {u.id: row for u, row in zip(plain.split(split), rows, strict=True)}
    return tiny_corpus(lambda u: replace(u, labels=u.labels | {task: labels.get(u.id, u.labels[task])}))


def test_labels_of_an_auxiliary_task_change_the_model_but_not_its_inputs(corpus, weights):
    recipe, other = tiny_recipe(weights, **BOTH), shuffled("feelings")
    inputs = [Pipeline(recipe, c.train).transform(c.train) for c in (corpus, other)]
    for name, tensor in inputs[0].arrays.items():
        assert np.array_equal(tensor, inputs[1].arrays[name]), name
    fitted = [fit(recipe, c).dev_predictions.probabilities for c in (corpus, other)]
    alone = [fit(tiny_recipe(weights), c).dev_predictions.probabilities for c in (corpus, other)]
    assert not np.allclose(*fitted) and np.array_equal(*alone) and not np.allclose(fitted[0], alone[0])


def test_labels_of_test_stay_sealed_in_each_task(corpus, weights, monkeypatch):
    def refuse(self):
        raise AssertionError("the test labels were revealed")

    split = Corpus.split
    monkeypatch.setattr(SealedLabels, "_reveal", refuse)
    monkeypatch.setattr(Corpus, "split", lambda self, name: refuse(self) if name == "test" else split(self, name))
    fit(tiny_recipe(weights, **BOTH), corpus)


def test_utterances_without_auxiliary_labels_train_the_main_task(corpus, weights):
    bare = {u.id for u in corpus.train[5:]} | {u.id for u in corpus.dev[5:]}
    holes = tiny_corpus(lambda u: replace(u, labels={"emotion": u.labels["emotion"]}) if u.id in bare else u)
    fitted, few = fit(tiny_recipe(weights, **BOTH), holes), fit(tiny_recipe(weights), holes)
    assert len(fitted.dev_predictions) == len(corpus.dev) and fitted.auxiliary_tasks[0].space.task == "feelings"
    assert not np.allclose(fitted.dev_predictions.probabilities, few.dev_predictions.probabilities)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"model": {"auxiliary_tasks": ["feeling"]}}, CorpusError, "no task 'feeling'"),
        (
            {"model": {"auxiliary_tasks": ["emotion"]}},
            RecipeError,
            r"'model\.auxiliary_tasks' names only 'emotion'",
        ),
        ({"train": {"auxiliary_weight": 0.5}}, RecipeError, r"'train\.auxiliary_weight' has no effect here"),
    ],
)
def test_invalid_auxiliary_tasks_are_errors(changes, error, words, corpus, weights):
    with pytest.raises(error, match=words) as caught:
        check_training(tiny_recipe(weights, **changes), corpus)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("split", ["train", "dev"])
def test_an_auxiliary_task_without_labels_in_a_split_is_an_error(split, weights):
    bare = tiny_corpus(lambda u: replace(u, labels={"emotion": u.labels["emotion"]}) if u.split == split else u)
    with pytest.raises(CorpusError, match=f"no {split} utterance with labels for 'feelings'"):
        check_training(tiny_recipe(weights, **BOTH), bare)


def test_the_main_task_may_be_among_the_auxiliary_ones(corpus, weights):
    all_tasks = {"model": {"auxiliary_tasks": ["emotion", "feelings"]}}
    one, two = (fit(tiny_recipe(weights, **changes), corpus) for changes in (BOTH, all_tasks))
    np.testing.assert_array_equal(one.dev_predictions.probabilities, two.dev_predictions.probabilities)


SETTINGS = [{"sampling": "balanced"}, {"micro_batches": 2}, {"ema_decay": 0.5}, {"rdrop": 1.0}]


@pytest.mark.parametrize("train", SETTINGS)
def test_train_settings_work_with_two_tasks(train, corpus, weights):
    model = BOTH["model"] | {"dropout": 0.1}
    assert len(fit(tiny_recipe(weights, model=model, train=train), corpus).training.history) == 2


TRIMODAL = {"kind": "multimodal", "features": ["functionals", "lexical"], "context": "dialogue"}
KINDS = {f"{name} fusion": TRIMODAL | {"fusion": name} for name in ("gated", "late")} | {"audio": {}}


@pytest.mark.parametrize("kind", KINDS)
def test_each_model_and_fusion_learns_two_tasks_is_saved_and_handles_missing_modalities(
    kind, spoken, weights, one_store, tmp_path
):
    model = KINDS[kind] | {"auxiliary_tasks": ["feelings"]}
    recognizer, _dev = fit_recognizer(spoken_recipe(weights, model=model), spoken)
    recognizer.save_pretrained(tmp_path)
    again = Recognizer.from_pretrained(tmp_path)
    given = {"both": spoken.dev, "audio": [replace(u, text=None) for u in spoken.dev]}
    if kind != "audio":
        given["text"] = [replace(u, clip=None) for u in spoken.dev]
    predictions = {name: recognizer.predict_tasks(rows) for name, rows in given.items()}
    for name, rows in given.items():
        for task, found in again.predict_tasks(rows).items():
            np.testing.assert_allclose(found.probabilities, predictions[name][task].probabilities, atol=1e-6)
            changed = not np.allclose(found.probabilities, predictions["both"][task].probabilities)
            assert changed == (name != "both" and kind != "audio"), (name, task)
