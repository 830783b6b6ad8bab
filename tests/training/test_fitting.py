"""Training on a corpus: tasks, encoders and contexts, without the test split."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from tiny_corpora import SPACES, tiny_corpus, tiny_recipe

from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import RegressionSpace
from sentir.corpus.sealed import SealedLabels
from sentir.errors import CorpusError, RecipeError, UnknownNameError, WeightsError
from sentir.evaluation.calibration.fitting import fit_calibration
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.metrics import compute_scores
from sentir.training.fitting import check_training, fit
from sentir.training.setting_checks import check_classes

TRAIN = {"epochs": 20, "encoder_lr": 0.01, "patience": 20}


@pytest.mark.parametrize("context", ["none", "window", "dialogue"])
@pytest.mark.parametrize("encoder", ["frozen", "finetune"])
@pytest.mark.parametrize("task", ["emotion", "feelings"])
def test_each_setup_trains_and_predicts_dev(task, encoder, context, corpus, weights):
    recipe = tiny_recipe(weights, data={"task": task}, model={"encoder": encoder, "context": context})
    fitted = fit(recipe, corpus)
    assert fitted.dev_predictions.ids == tuple(u.id for u in corpus.dev)
    assert fitted.space == corpus.label_space(task)
    assert len(fitted.training.history) == 2
    assert (fitted.thresholds is None) == (task == "emotion")
    metric = "macro_f1" if task == "feelings" else "weighted_f1"
    truth = fitted.space.encode([u.labels[task] for u in corpus.dev])
    scores = compute_scores(fitted.space, truth, fitted.dev_predictions.probabilities, fitted.thresholds)
    assert scores[metric] == pytest.approx(fitted.training.best_score), "predictions are those of the best epoch"


@pytest.mark.parametrize("task", ["emotion", "feelings"])
def test_it_learns_from_words(task, corpus, weights):
    recipe = tiny_recipe(weights, data={"task": task}, model={"encoder": "finetune", "layers": [0]}, train=TRAIN)
    untrained = tiny_recipe(weights, data={"task": task}, train={"epochs": 1, "lr": 1e-9})
    assert fit(recipe, corpus).training.best_score > 0.8 > fit(untrained, corpus).training.best_score


def test_thresholds_are_those_tuned_on_dev(corpus, weights):
    fitted = fit(tiny_recipe(weights, data={"task": "feelings"}), corpus)
    truth = fitted.space.encode([u.labels["feelings"] for u in corpus.dev])
    np.testing.assert_array_equal(
        fitted.thresholds, tune_thresholds(fitted.space, truth, fitted.dev_predictions.probabilities)
    )


@pytest.mark.parametrize("task", ["emotion", "feelings"])
def test_calibration_is_fitted_on_dev_before_thresholds(task, corpus, weights):
    fitted = fit(tiny_recipe(weights, data={"task": task}), corpus)
    truth = fitted.space.encode([u.labels[task] for u in corpus.dev])
    keys = [u.dialogue for u in corpus.dev]
    second = fit_calibration(
        fitted.space, truth, fitted.dev_predictions.probabilities, keys, fitted.calibration.method
    )
    np.testing.assert_allclose(
        second.apply(fitted.dev_predictions).probabilities, fitted.dev_predictions.probabilities, atol=0.02
    )
    assert fitted.calibration.confidence_threshold == pytest.approx(second.confidence_threshold, abs=0.02)


def test_the_metric_of_the_recipe_selects_the_epoch(corpus, weights):
    fitted = fit(tiny_recipe(weights, evaluation={"metric": "accuracy"}), corpus)
    truth = fitted.space.encode([u.labels["emotion"] for u in corpus.dev])
    assert fitted.training.best_score == pytest.approx(
        compute_scores(fitted.space, truth, fitted.dev_predictions.probabilities)["accuracy"]
    )


@pytest.mark.parametrize("task", ["emotion", "feelings"])
def test_sealed_labels_stay_sealed_and_test_is_not_used(task, corpus, weights, monkeypatch):
    def refuse(self):
        raise AssertionError("the test labels were revealed")

    split = Corpus.split
    monkeypatch.setattr(SealedLabels, "_reveal", refuse)
    monkeypatch.setattr(Corpus, "split", lambda self, name: refuse(self) if name == "test" else split(self, name))
    fit(tiny_recipe(weights, data={"task": task}, model={"features": ["lexical"]}), corpus)


def test_test_utterances_do_not_matter(corpus, weights):
    other = tiny_corpus(lambda u: replace(u, text="crying", labels={}) if u.split == "test" else u)
    recipe = tiny_recipe(weights, model={"features": ["lexical", "dialogue"]})
    one, two = fit(recipe, corpus), fit(recipe, other)
    np.testing.assert_array_equal(one.dev_predictions.probabilities, two.dev_predictions.probabilities)
    assert one.training == two.training and one.preprocessor.scaler == two.preprocessor.scaler


def test_unlabeled_utterances_of_dev_are_predicted_but_not_scored(corpus, weights):
    unlabeled = {u.id for u in corpus.dev[::2]}
    partial = tiny_corpus(lambda u: replace(u, labels={}) if u.id in unlabeled else u)
    fitted = fit(tiny_recipe(weights), partial)
    assert len(fitted.dev_predictions) == len(corpus.dev)
    labeled = [u for u in corpus.dev if u.id not in unlabeled]
    truth = fitted.space.encode([u.labels["emotion"] for u in labeled])
    p = fitted.dev_predictions.select(u.id for u in labeled).probabilities
    assert fitted.training.best_score == pytest.approx(compute_scores(fitted.space, truth, p)["weighted_f1"])


@pytest.mark.parametrize(
    ("class_weights", "schedule"), [("none", "cosine"), ("sqrt", "linear"), ("inverse", "constant")]
)
def test_all_class_weights_and_schedules_can_be_used(class_weights, schedule, corpus, weights):
    recipe = tiny_recipe(weights, train={"class_weights": class_weights, "schedule": schedule})
    assert fit(recipe, corpus).training.history


def test_short_utterances_are_excluded_from_train_only(corpus, weights):
    recipe = tiny_recipe(weights, data={"min_train_words": 4})
    short = [u for u in corpus.train if len(u.text.split()) < 4]
    assert 0 < len(short) < len(corpus.train)
    fitted = fit(recipe, corpus)
    assert len(fitted.dev_predictions) == len(corpus.dev)
    blank = tiny_corpus(lambda u: replace(u, labels={}) if u in short else u)
    same = fit(tiny_recipe(weights), blank)
    np.testing.assert_allclose(fitted.dev_predictions.probabilities, same.dev_predictions.probabilities)


def test_excluding_all_utterances_is_refused(corpus, weights):
    with pytest.raises(RecipeError, match=r"data\.min_train_words"):
        fit(tiny_recipe(weights, data={"min_train_words": 99}), corpus)


@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_split_without_labels_is_an_error(split, weights):
    bare = tiny_corpus(lambda u: replace(u, labels={}) if u.split == split else u)
    with pytest.raises(CorpusError, match=f"no {split} utterance with labels for 'emotion'"):
        fit(tiny_recipe(weights), bare)


def test_an_unknown_task_is_an_error(weights):
    with pytest.raises(CorpusError, match="no task 'feelings'"):
        fit(tiny_recipe(weights, data={"task": "feelings"}), tiny_corpus(tasks=SPACES[:1], change=emotion_only))


def emotion_only(u):
    return replace(u, labels={"emotion": u.labels["emotion"]})


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        ({"kind": "hybrid_transfomer"}, UnknownNameError, "did you mean hybrid_transformer"),
        ({"backbone": "roberta-bse", "weights": None}, UnknownNameError, "did you mean roberta-base"),
        ({"weights": "/nowhere"}, WeightsError, "The folder /nowhere has no model"),
        ({"pretrained": False}, RecipeError, "needs pretrained weights"),
    ],
)
def test_invalid_names_and_weights_are_errors(model, error, words, corpus, weights):
    with pytest.raises(error, match=words) as caught:
        fit(tiny_recipe(weights, model=model), corpus)
    assert "\n" not in str(caught.value)


def test_random_weights_can_be_fine_tuned(corpus, weights):
    recipe = tiny_recipe(weights, model={"pretrained": False, "encoder": "finetune"})
    assert fit(recipe, corpus).training.history


@pytest.mark.parametrize(
    ("task", "label"), [("emotion", ("joy",)), ("feelings", ("joy", "sadness")), ("feelings", ())]
)
def test_one_class_is_refused_before_anything_is_trained(task, label, weights):
    constant = tiny_corpus(lambda u: replace(u, labels=u.labels | {task: label}))
    with pytest.raises(CorpusError, match=f"All train utterances of 'tiny' have the same label for '{task}'"):
        check_training(tiny_recipe(weights, data={"task": task}), constant, load_weights=False)


def test_a_constant_number_is_refused(weights):
    scale = RegressionSpace("value", "v", (-3, 3))
    for values, refused in (((1.0, 1.0), True), ((1.0, 2.0), False)):
        rows = [replace(u, labels={}, scores={"v": values[u.turn % 2]}) for u in tiny_corpus()]
        corpus = Corpus.build("tiny", rows, [scale])
        with pytest.raises(CorpusError, match="same label") if refused else nullcontext():
            check_classes(corpus, "value")


def test_labels_that_train_lacks_or_always_has_are_warned_of():
    lacking = tiny_corpus(
        lambda u: (
            replace(u, labels={"emotion": ("joy",)})
            if u.labels["emotion"] == ("sadness",) and u.split == "train"
            else u
        )
    )
    (warning,) = check_classes(lacking, "emotion")
    assert "no train utterance has these labels" in warning and warning.endswith("sadness.")
    everywhere = tiny_corpus(
        lambda u: replace(u, labels={"feelings": ("joy", "sadness") if u.turn else ("joy",)})
    )
    (warning,) = check_classes(everywhere, "feelings")
    assert "all train utterances have these labels" in warning and warning.endswith("joy.")
    assert check_classes(tiny_corpus(), "emotion") == []
