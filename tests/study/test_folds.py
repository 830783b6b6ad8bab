"""Cross-validation as a study: what each fold may see, what is selected, and how scores are pooled."""

import json
from collections import Counter
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score
from sklearn.model_selection import cross_val_predict
from tiny_corpora import tiny_corpus, tiny_recipe

from sentir import api
from sentir.corpus.folds import make_fold_corpora, pool_folds, split_first_fold
from sentir.errors import RecipeError
from sentir.evaluation.folds import pool_predictions, pool_thresholds
from sentir.evaluation.locked.ledger import list_openings
from sentir.evaluation.results import FoldScore, ModelScores, Score
from sentir.readers import READERS
from sentir.report.html import render_report
from sentir.report.markdown import render_markdown
from sentir.report.sentences import task_summary_sentences
from sentir.report.task_sections import task_sections
from sentir.study import baselines, outputs, run, stacking
from sentir.study.candidates import TrainedModel, train_baseline
from sentir.study.folds import SELECTED_IN_EACH_FOLD, pool_models, select_model
from sentir.study.stages import Stages
from sentir.study.tfidf import TfidfFeatures, texts_in_dialogues
from sentir.study.tuning.run import tune

TASKS = {"emotion": "weighted_f1", "feelings": "macro_f1"}
BAG = "bag of words"


def whole_corpus(change=lambda u: u):
    """Return the tiny corpus without a test split: 12 dialogues."""
    return tiny_corpus(lambda u: change(replace(u, split="train")))


@pytest.fixture(scope="module")
def folds_recipe(weights):
    def build(**study):
        study = {"tasks": list(TASKS), "seeds": [0], "candidates": {"plain": {}}} | study
        return tiny_recipe(weights, data={"reader": "tiny", "folds": {"k": 3}}, study=study)

    return build


@pytest.fixture(scope="module")
def run_folds(folds_recipe, tmp_path_factory):
    """Run a study of three folds in one folder, without the page of its report."""
    folder = tmp_path_factory.mktemp("folds")

    def run_folds(out="out", **changes):
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(READERS._entries, "tiny", lambda root, data: whole_corpus())
            patch.setenv("SENTIR_STATE_DIR", str(folder / "state"))
            patch.setenv("SENTIR_CACHE_DIR", str(folder / "cache"))
            patch.setattr(outputs, "dry_run_report", lambda *args: None)
            patch.setattr(run, "save_report", lambda report, path: None)
            report = run.run_study([folds_recipe(**changes)], root=folder, out=folder / out, accept_grade=True)
            return SimpleNamespace(out=folder / out, report=report, openings=list_openings(POOLED))

    return run_folds


@pytest.fixture(scope="module")
def study(run_folds):
    """A finished study of three folds."""
    return run_folds()


def folded(corpus=None, k=3):
    corpus = whole_corpus() if corpus is None else corpus
    names = sorted({u.dialogue for u in corpus})
    return split_first_fold(corpus, {u.id: str(names.index(u.dialogue) % k + 1) for u in corpus})


POOLED = pool_folds(folded(), "test")


def pooled_baseline(corpus, folder, recipe, name=BAG, metric="weighted_f1"):
    parts = [train_baseline(Stages(folder), part, name, recipe, metric) for part in make_fold_corpora(corpus)]
    return pool_models(name, parts)


# What a study leaves


@pytest.mark.parametrize("split", ["dev", "test"])
def test_every_utterance_is_scored_once_and_in_one_fold(split, study):
    rows = [row for row in study.report.scores if row.split == split and row.task == "emotion"]
    assert {row.model for row in rows} >= {"majority", BAG, "plain"}
    for row in rows:
        assert row.n == 60 == sum(fold.n for fold in row.folds)
        assert [fold.fold for fold in row.folds] == ["1", "2", "3"]
        assert {row.ids_hash for row in rows} == {row.ids_hash}


def test_all_folds_are_one_evaluation_which_is_not_repeated(study, run_folds):
    (opening,) = study.report.openings
    assert "3 folds" in opening.reason and opening.test_fingerprint == POOLED.test_fingerprint
    before = sorted(path.name for path in (study.out / "stages").iterdir())
    again = run_folds()
    assert (again.report.scores, again.openings) == (study.report.scores, study.openings)
    assert sorted(path.name for path in (study.out / "stages").iterdir()) == before


def test_results_hold_the_scores_of_each_fold(study):
    table = json.loads((study.out / "results.json").read_text(encoding="utf-8"))
    for row in table:
        metric = TASKS[row["task"]]
        values = [fold["metrics"][metric] for fold in row["folds"]]
        scores = next(s for s in study.report.scores
                      if (s.model, s.task, s.split) == (row["model"], row["task"], row["split"]))  # fmt: skip
        assert scores.score_over_folds(metric) == Score(np.mean(values), sd=np.std(values, ddof=1))


def test_a_study_of_folds_saves_no_model(study):
    assert not (study.out / "models").exists() and not study.report.model_cards


@pytest.mark.parametrize("render", [pytest.param(render_report, marks=pytest.mark.slow), render_markdown])
def test_the_report_shows_each_fold(render, study):
    page = render(study.report)
    for name in ("unweighted average recall by fold", "accuracy by fold", "Cross-validation over 3 folds"):
        assert name in page


@pytest.mark.slow
def test_processes_train_the_folds_to_the_same_scores(study, run_folds, monkeypatch):
    several = partial(run.run_study, workers=2)
    monkeypatch.setattr(run, "run_study", several)
    found = run_folds("processes", test=False).report.scores
    assert found == tuple(row for row in study.report.scores if row.split == "dev")


def test_the_report_says_how_many_folds_were_scored(study):
    sentence = task_summary_sentences(task_sections(study.report)[0])[0]
    assert "On all 60 utterances of tiny, by 3 folds" in sentence and "±" in sentence
    (corpus,) = study.report.corpora
    assert [counts["utterances"] for counts in corpus.splits.values()] == [20, 20, 20]


def test_without_test_the_folds_stay_closed_and_training_never_gets_the_labels_of_its_fold(
    study, run_folds, monkeypatch
):
    seen, fit = [], stacking.fit_recognizer

    def spy(recipe, corpus, **keywords):
        seen.append(corpus)
        return fit(recipe, corpus, **keywords)

    monkeypatch.setattr(stacking, "fit_recognizer", spy)
    closed = run_folds("closed", tasks=["emotion"], test=False)
    assert closed.openings == study.openings, "nothing was opened"
    dev = [row for row in study.report.scores if row.split == "dev" and row.task == "emotion"]
    assert [row.metrics for row in closed.report.scores] == [row.metrics for row in dev]
    assert len(seen) == 3 and {u.id for corpus in seen for u in corpus.test} == {u.id for u in POOLED}
    assert not any(u.labels for corpus in seen for u in corpus.test)


def test_a_study_of_folds_is_not_tuned(folds_recipe, tmp_path):
    with pytest.raises(RecipeError, match=r"'data\.folds': settings tuned on all folds"):
        tune(folds_recipe(), root=tmp_path, out=tmp_path / "out")


def test_a_model_of_a_recipe_with_folds_is_trained_on_all_but_the_first_and_evaluated(
    folds_recipe, tmp_path, monkeypatch
):
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: whole_corpus())
    recognizer, scores = api.train(folds_recipe(), root=tmp_path, out=tmp_path / "model")
    assert scores.folds == () and scores.n == len(folded().dev)
    again = api.evaluate(recognizer, root=tmp_path)
    assert again.metrics["weighted_f1"].value == pytest.approx(scores.metrics["weighted_f1"].value)


# Scores against scikit-learn


@pytest.fixture
def emotion(folds_recipe):
    return folds_recipe(tasks=["emotion"])


class BagOfWords(ClassifierMixin, BaseEstimator):
    def fit(self, texts, truth):
        self.text_ = TfidfFeatures.fit((), texts)
        counts = Counter(truth)
        weights = np.array([counts[label] ** -0.5 for label in truth])
        self.model_ = LogisticRegression(C=1.0, max_iter=2000)
        self.model_.fit(self.text_.transform(texts).to_scipy(), truth, sample_weight=weights / weights.mean())
        self.classes_ = self.model_.classes_
        return self

    def predict(self, texts):
        return self.classes_[self.predict_proba(texts).argmax(axis=1)]

    def predict_proba(self, texts):
        return self.model_.predict_proba(self.text_.transform(texts).to_scipy())


def test_a_linear_baseline_is_cross_val_predict_of_scikit_learn(emotion, monkeypatch, tmp_path):
    monkeypatch.setattr(baselines, "_C_GRID", (1.0,))
    corpus = folded()
    model = pooled_baseline(corpus, tmp_path, emotion)
    rows = list(corpus)
    pairs = texts_in_dialogues(emotion.data.cleaning, rows)
    texts, truth = [pairs[u.id] for u in rows], [u.labels["emotion"][0] for u in rows]
    splits = [
        [[rows.index(corpus.by_id[u.id]) for u in part.split(split)] for split in ("train", "test")]
        for part in make_fold_corpora(corpus)
    ]
    expected = cross_val_predict(BagOfWords(), texts, truth, cv=splits, method="predict_proba")
    (predictions,) = model.predictions_on("test").predictions
    found = predictions.select(u.id for u in rows).probabilities
    np.testing.assert_allclose(found, expected, atol=1e-6)

    pooled = pool_folds(corpus, "test")
    scorer = run.Scorer(pooled, "test", pooled.sealed._reveal()[0], emotion.evaluation)
    scores = scorer.score(model.predictions_on("test"), "baseline")
    predicted = np.array(sorted(set(truth)))[expected.argmax(axis=1)]
    for name, function in (
        ("accuracy", accuracy_score),
        ("unweighted_average_recall", lambda a, b: recall_score(a, b, average="macro", zero_division=0)),
    ):
        assert scores.metrics[name].value == pytest.approx(function(truth, predicted))
        by_fold = [function(np.array(truth)[test], predicted[test]) for _train, test in splits]
        assert [fold.metrics[name] for fold in scores.folds] == pytest.approx(by_fold)
        assert scores.score_over_folds(name).sd == pytest.approx(np.std(by_fold, ddof=1))


# No fold leaks into its own model


@pytest.mark.parametrize("fold", ["1", "3"])
def test_the_labels_of_a_fold_do_not_reach_its_model_nor_what_it_selects(fold, emotion, tmp_path):
    own = [key for key, name in folded(k=4).folds.items() if name == fold]

    def relabel(u):
        return replace(u, labels=u.labels | {"emotion": ("joy",)}) if u.id in own else u

    plain, changed = (folded(whole_corpus(change), 4) for change in (lambda u: u, relabel))
    found = [pooled_baseline(corpus, tmp_path / str(n), emotion) for n, corpus in enumerate((plain, changed))]
    before, after = (one.predictions_on("test").predictions[0] for one in found)
    rest = [key for key in before.ids if key not in own]
    np.testing.assert_array_equal(before.select(own).probabilities, after.select(own).probabilities)
    assert not np.array_equal(before.select(rest).probabilities, after.select(rest).probabilities)


# Selection


def trained(name, role, n):
    return TrainedModel(name, role, None, (0,), (f"{name}{n}",), (), ())


def row(name, values):
    folds = tuple(FoldScore(str(n), 1, {"mae": v, "accuracy": v}) for n, v in enumerate(values))
    metrics = {key: Score(float(np.mean(values))) for key in ("mae", "accuracy")}
    return ModelScores(name, "candidate", "c", "t", "dev", 3, 1, metrics, folds=folds)


@pytest.mark.parametrize(
    ("metric", "values", "chosen"),
    [
        ("accuracy", {"a": (0.5, 0.5, 0.5), "b": (0.4, 0.4, 0.4)}, "aaa"),
        ("accuracy", {"a": (0.5, 0.2, 0.5), "b": (0.4, 0.9, 0.5)}, "aba"),
        ("mae", {"a": (0.5, 0.2, 0.5), "b": (0.4, 0.9, 0.5)}, "baa"),
    ],
)
def test_each_fold_selects_by_its_own_dev(metric, values, chosen, monkeypatch):
    monkeypatch.setattr("sentir.study.folds.pool_models", lambda name, parts: (name, [one.name for one in parts]))
    models = [
        replace(trained(name, "candidate", 0), parts=tuple(trained(name, "candidate", n) for n in range(3)))
        for name in values
    ]
    selected = select_model(models, [row(*one) for one in values.items()], metric)
    expected = models["ab".index(chosen[0])] if len(set(chosen)) == 1 else (SELECTED_IN_EACH_FOLD, list(chosen))
    assert selected == expected


def test_a_seedless_fold_serves_every_seed_and_thresholds_stay_with_their_fold(emotion, tmp_path):
    corpus = folded()
    recipe = emotion.override({"data": {"task": "feelings"}})
    model = pooled_baseline(corpus, tmp_path, recipe, metric="macro_f1")
    pooled = model.predictions_on("test")
    decided = pooled.predictions[0].labels(pooled.thresholds[0])
    for part in model.parts:
        assert {key: decided[key] for key in part.test_predictions[0].ids} == part.test_predictions[0].labels(
            part.thresholds[0]
        )
    one, two = model.parts[0].test_predictions[0], model.parts[1].test_predictions[0]
    twice = pool_predictions([[one, one], [two]])
    assert [len(seed) for seed in twice] == [len(one) + len(two)] * 2
    assert pool_thresholds([[None, None], [None]], [1, 1]) == (None, None)


def test_scores_of_per_fold_thresholds_are_those_of_the_decisions(study):
    row = next(s for s in study.report.scores if (s.model, s.task, s.split) == (BAG, "feelings", "test"))
    assert set(row.thresholds) == {"joy", "sadness"}
