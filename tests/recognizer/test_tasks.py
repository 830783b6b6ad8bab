"""Several tasks from one model: what the others' labels do, and that they do nothing else."""

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
from sentir.corpus.labels import LabelSpace
from sentir.corpus.sealed import SealedLabels
from sentir.errors import CorpusError, RecipeError
from sentir.evaluation.metrics import compute_scores
from sentir.explanation.dev_predictor import DevPredictor
from sentir.explanation.score_function import frozen_eval_mode, make_score_function, prepare_with_tokens
from sentir.models.fusion import FUSIONS
from sentir.recipe import TrainSettings
from sentir.recognizer.recognizer import Recognizer
from sentir.training.fitting import check_training, fit
from sentir.training.losses import encode_targets, multi_task_loss, recipe_loss, stack_targets
from sentir.training.recognizers import fit_recognizer

SPACES = [
    LabelSpace("emotion", ("anger", "joy", "neutral")),
    LabelSpace("feelings", ("fear", "joy"), multilabel=True),
    LabelSpace("valence", ("valence",), bounds=(-3.0, 3.0)),
]
LABELS = [
    [("joy",), ("neutral",), None, ("anger",), ("neutral",), ("joy",)],
    [("joy",), None, ("fear", "joy"), (), None, ("fear",)],
    [(3.0,), (0.0,), None, None, None, (-1.5,)],
]
TARGETS = [encode_targets(space, rows) for space, rows in zip(SPACES, LABELS, strict=True)]
BOTH = {"model": {"auxiliary_tasks": ["feelings"]}}


def losses_of(logits, rows=slice(None)):
    """The mean loss of each task over its own labels, by torch."""
    emotion, feelings, valence = logits.split([3, 2, 1], dim=1)
    known = [t[rows] != -100 for t in TARGETS]
    return [
        functional.cross_entropy(emotion[known[0]], TARGETS[0][rows][known[0]]),
        functional.binary_cross_entropy_with_logits(feelings[known[1]], TARGETS[1][rows][known[1]]),
        functional.l1_loss(valence[:, 0][known[2]], TARGETS[2][rows][known[2]]),
    ]


def logits(n=6):
    return torch.randn(n, 6, generator=torch.Generator().manual_seed(0), requires_grad=True)


def test_the_loss_is_the_own_one_plus_the_weight_times_the_others_each_a_mean_over_its_labels():
    scores = logits()
    found = multi_task_loss(SPACES, TARGETS, TrainSettings(auxiliary_weight=0.3))(
        scores, stack_targets(TARGETS[0], TARGETS[1:])
    )
    own, *others = losses_of(scores)
    torch.testing.assert_close(found, own + 0.3 * sum(others))


def test_a_missing_label_of_another_task_teaches_nothing():
    scores = logits()
    multi_task_loss(SPACES, TARGETS, TrainSettings())(scores, stack_targets(TARGETS[0], TARGETS[1:])).backward()
    moved = [part.abs().sum(1) > 0 for part in scores.grad.split([3, 2, 1], dim=1)]
    assert [part.tolist() for part in moved] == [[row is not None for row in rows] for rows in LABELS]


def test_parts_of_a_batch_add_up_to_it():
    loss, scores, labels = (
        multi_task_loss(SPACES, TARGETS, TrainSettings()),
        logits(),
        stack_targets(TARGETS[0], TARGETS[1:]),
    )
    items = (labels != -100).sum()
    parts = [loss(scores[rows], labels[rows], items) for rows in (slice(0, 2), slice(2, 6))]
    torch.testing.assert_close(sum(parts), loss(scores, labels))


def test_the_settings_of_the_loss_are_those_of_the_own_task():
    settings, scores = TrainSettings(class_weights="inverse", label_smoothing=0.2, logit_adjustment=1.0), logits()
    found = multi_task_loss(SPACES, TARGETS, settings)(scores, stack_targets(TARGETS[0], TARGETS[1:]))
    own = recipe_loss(SPACES[0], TARGETS[0], settings)(scores[:, :3], TARGETS[0])
    torch.testing.assert_close(found, own + sum(losses_of(scores)[1:]))


def test_one_task_alone_has_its_plain_targets_and_loss():
    scores = logits()[:, :3]
    assert stack_targets(TARGETS[0], []) is TARGETS[0]
    found = multi_task_loss(SPACES[:1], TARGETS[:1], TrainSettings())(scores, TARGETS[0])
    assert torch.equal(found, recipe_loss(SPACES[0], TARGETS[0], TrainSettings())(scores, TARGETS[0]))


@pytest.fixture(scope="module")
def learned(corpus, weights):
    """(task, other) → a recognizer of both that learned what the words say, and its predictions for dev."""
    known = {}

    def get(task, other):
        if task not in known:
            train = {"epochs": 20, "encoder_lr": 0.01, "patience": 20}
            changes = {
                "data": {"task": task},
                "model": {"auxiliary_tasks": [other], "encoder": "finetune", "layers": [0]},
            }
            known[task] = fit_recognizer(tiny_recipe(weights, **changes, train=train), corpus)
        return known[task]

    return get


@pytest.mark.parametrize(("task", "other"), [("emotion", "feelings"), ("feelings", "emotion")])
def test_both_tasks_are_learned_and_the_own_ones_dev_score_selects(task, other, learned, corpus):
    recognizer, dev = learned(task, other)
    found = recognizer.predict_tasks(corpus.dev)
    assert list(found) == [task, other] and [one.space.task for one in recognizer.auxiliary_tasks] == [other]
    assert recognizer.space.task == task and dev.label_space == corpus.label_space(task)
    np.testing.assert_allclose(found[task].probabilities, dev.probabilities, atol=1e-6)
    np.testing.assert_array_equal(
        recognizer.predict_utterances(corpus.dev).probabilities, found[task].probabilities
    )
    cuts = {task: recognizer.thresholds, other: recognizer.auxiliary_tasks[0].thresholds}
    scores = {}
    for name, p in found.items():
        truth = p.label_space.encode([u.labels[name] for u in corpus.dev])
        scores[name] = compute_scores(p.label_space, truth, p.probabilities, cuts[name])["macro_f1"]
    assert min(scores.values()) > 0.7, scores
    metric = {"emotion": "weighted_f1", "feelings": "macro_f1"}[task]
    truth = dev.label_space.encode([u.labels[task] for u in corpus.dev])
    assert recognizer.facts["dev_score"] == pytest.approx(
        compute_scores(dev.label_space, truth, dev.probabilities, recognizer.thresholds)[metric]
    )


@pytest.mark.parametrize(("task", "other"), [("emotion", "feelings"), ("feelings", "emotion")])
def test_saved_and_loaded_it_answers_alike_in_every_task(task, other, learned, corpus, tmp_path):
    recognizer, _dev = learned(task, other)
    recognizer.save_pretrained(tmp_path)
    again = Recognizer.from_pretrained(tmp_path)
    one, two = recognizer.predict_tasks(corpus.test), again.predict_tasks(corpus.test)
    for name in (task, other):
        np.testing.assert_allclose(one[name].probabilities, two[name].probabilities, atol=1e-6)
    assert again.auxiliary_tasks[0].calibration == recognizer.auxiliary_tasks[0].calibration
    np.testing.assert_array_equal(again.auxiliary_tasks[0].thresholds, recognizer.auxiliary_tasks[0].thresholds)


def test_what_is_said_beside_stands_in_a_prediction(learned):
    (found,) = predict(learned("emotion", "feelings")[0], texts=["I am happy."])
    assert found.labels == ("joy",) and list(found.other_tasks) == ["feelings"]
    assert set(found.other_tasks["feelings"].probabilities) == {"joy", "sadness"}
    assert "joy" in found.other_tasks["feelings"].labels


def test_what_is_said_beside_has_columns_of_its_own(learned, tmp_path):
    rows = predict(learned("emotion", "feelings")[0], texts=["I am happy.", "She is crying today."])
    missing = replace(rows[0], id="none", labels=(), probabilities={}, problem="no text", other_tasks={})
    write_predictions([missing, *rows], tmp_path / "answers.csv")
    found = list(csv.DictReader((tmp_path / "answers.csv").open(encoding="utf-8")))
    assert [row["problem"] for row in found] == ["no text", "", ""] and found[0]["feelings.label"] == ""
    for row, said in zip(found[1:], rows, strict=True):
        assert row["feelings.label"].split("|") == [*said.other_tasks["feelings"].labels]
        assert float(row["feelings.p_joy"]) == pytest.approx(
            said.other_tasks["feelings"].probabilities["joy"], abs=1e-6
        )
        assert float(row["p_joy"]) == pytest.approx(said.probabilities["joy"], abs=1e-6)


@pytest.mark.parametrize(("task", "other"), [("emotion", "feelings"), ("feelings", "emotion")])
def test_explanations_are_of_the_own_task(task, other, learned, corpus):
    recognizer, dev = learned(task, other)
    np.testing.assert_allclose(
        DevPredictor(recognizer, corpus).predict().probabilities, dev.probabilities, atol=1e-6
    )
    prepared = prepare_with_tokens(recognizer, corpus.dev)
    for label, name in enumerate(dev.label_space.names):
        probe, _unit = make_score_function(recognizer, prepared, 3, label)
        with frozen_eval_mode(probe.model, probe.encoder), torch.no_grad():
            score = probe.score().item()
        p = dev.probabilities[3, label]
        assert score == pytest.approx(np.log(p / (1 - p)), abs=1e-3), name


def test_the_card_names_what_is_recognized_beside(learned, tmp_path):
    recognizer, _dev = learned("emotion", "feelings")
    recognizer.save_pretrained(tmp_path)
    assert "| also recognizes | feelings |" in (tmp_path / "README.md").read_text(encoding="utf-8")


def shuffled(task):
    """The tiny corpus with the labels of one task among other utterances of the same split."""
    plain, draw = tiny_corpus(), random.Random(1)
    labels = {}
    for split in ("train", "dev"):
        rows = [u.labels[task] for u in plain.split(split)]
        draw.shuffle(rows)
        labels |= {u.id: row for u, row in zip(plain.split(split), rows, strict=True)}
    return tiny_corpus(lambda u: replace(u, labels=u.labels | {task: labels.get(u.id, u.labels[task])}))


def test_labels_of_another_task_change_no_input_but_what_is_learned(corpus, weights):
    recipe, other = tiny_recipe(weights, **BOTH), shuffled("feelings")
    prepared = [Pipeline(recipe, c.train).transform(c.train) for c in (corpus, other)]
    for name, tensor in prepared[0].tensors.items():
        assert torch.equal(tensor, prepared[1].tensors[name]), name
    fitted = [fit(recipe, c).dev_predictions.probabilities for c in (corpus, other)]
    alone = [fit(tiny_recipe(weights), c).dev_predictions.probabilities for c in (corpus, other)]
    assert not np.allclose(*fitted) and np.array_equal(*alone) and not np.allclose(fitted[0], alone[0])


def test_labels_of_test_stay_sealed_in_every_task(corpus, weights, monkeypatch):
    def refuse(self):
        raise AssertionError("the test labels were asked for")

    split = Corpus.split
    monkeypatch.setattr(SealedLabels, "_reveal", refuse)
    monkeypatch.setattr(Corpus, "split", lambda self, name: refuse(self) if name == "test" else split(self, name))
    fit(tiny_recipe(weights, **BOTH), corpus)


def test_utterances_without_the_other_label_teach_the_own_one(corpus, weights):
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
        ({"train": {"auxiliary_weight": 0.5}}, RecipeError, r"'train\.auxiliary_weight' does nothing here"),
    ],
)
def test_what_cannot_be_learned_beside_is_one_sentence(changes, error, words, corpus, weights):
    with pytest.raises(error, match=words) as caught:
        check_training(tiny_recipe(weights, **changes), corpus)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("split", ["train", "dev"])
def test_another_task_without_labels_in_a_split_is_named(split, weights):
    bare = tiny_corpus(lambda u: replace(u, labels={"emotion": u.labels["emotion"]}) if u.split == split else u)
    with pytest.raises(CorpusError, match=f"no {split} utterance with labels for 'feelings'"):
        check_training(tiny_recipe(weights, **BOTH), bare)


def test_a_recipe_may_name_its_own_task_among_all(corpus, weights):
    all_tasks = {"model": {"auxiliary_tasks": ["emotion", "feelings"]}}
    one, two = (fit(tiny_recipe(weights, **changes), corpus) for changes in (BOTH, all_tasks))
    np.testing.assert_array_equal(one.dev_predictions.probabilities, two.dev_predictions.probabilities)


WAYS = [{"sampling": "balanced"}, {"micro_batches": 2}, {"ema_decay": 0.5}, {"rdrop": 1.0}]


@pytest.mark.parametrize("train", WAYS)
def test_ways_to_learn_work_with_two_tasks(train, corpus, weights):
    model = BOTH["model"] | {"dropout": 0.1}
    assert len(fit(tiny_recipe(weights, model=model, train=train), corpus).training.history) == 2


EVERYTHING = {"kind": "multimodal", "features": ["functionals", "lexical"], "context": "dialogue"}
HEARING = {f"{name} fusion": EVERYTHING | {"fusion": name} for name in FUSIONS} | {"audio": {}}


@pytest.mark.parametrize("kind", HEARING)
def test_every_model_and_fusion_learns_two_tasks_is_saved_and_makes_do(
    kind, spoken, weights, one_store, tmp_path
):
    model = HEARING[kind] | {"auxiliary_tasks": ["feelings"]}
    recognizer, _dev = fit_recognizer(spoken_recipe(weights, model=model), spoken)
    recognizer.save_pretrained(tmp_path)
    again = Recognizer.from_pretrained(tmp_path)
    given = {"both": spoken.dev, "sound alone": [replace(u, text=None) for u in spoken.dev]}
    if kind != "audio":
        given["text alone"] = [replace(u, clip=None) for u in spoken.dev]
    answers = {name: recognizer.predict_tasks(rows) for name, rows in given.items()}
    for name, rows in given.items():
        for task, found in again.predict_tasks(rows).items():
            np.testing.assert_allclose(found.probabilities, answers[name][task].probabilities, atol=1e-6)
            changed = not np.allclose(found.probabilities, answers["both"][task].probabilities)
            assert changed == (name != "both" and kind != "audio"), (name, task)
