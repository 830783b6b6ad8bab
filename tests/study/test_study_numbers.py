"""Regression in a study: trained, selected, compared, reported and predicted; metrics may differ by task."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from plugin_state import unload_all
from sklearn.metrics import root_mean_squared_error
from tiny_corpora import SPACES, tiny_corpus, tiny_recipe

from sentir import api
from sentir.corpus.label_spaces import RegressionSpace
from sentir.errors import CorpusError, PredictionsError, RecipeError, UnknownNameError
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.clusters import assign_clusters
from sentir.evaluation.intervals import compute_cluster_statistics
from sentir.plugins import load_plugin
from sentir.recognizer.recognizer import Recognizer
from sentir.study import run
from sentir.study.baselines import fit_predict_baseline
from sentir.training.fitting import check_training
from sentir.training.recognizers import fit_recognizer

MOOD = RegressionSpace("mood_intensity", "mood", (-3.0, 3.0))
NUMBERS = {"joy": 2.0, "neutral": 0.0, "sadness": -2.0}


@pytest.fixture(scope="module")
def moods():
    """The tiny corpus with a score for every emotion."""
    return tiny_corpus(
        lambda u: replace(u, scores={"mood": NUMBERS[u.labels["emotion"][0]]}), tasks=(*SPACES, MOOD)
    )


@pytest.fixture
def trained(moods, weights):
    recipe = tiny_recipe(weights, data={"task": "mood_intensity"}, train={"epochs": 30, "patience": 30})
    return fit_recognizer(recipe, moods)[0]


def test_a_regression_model_is_trained_saved_loaded_and_predicts(trained, moods, tmp_path):
    found = trained.predict_utterances(moods.test)
    truth = [NUMBERS[labels["emotion"][0]] for labels in moods.sealed._reveal()[0].values()]
    assert np.abs(found.probabilities[:, 0] - truth).mean() < 1 < np.abs(np.array(truth)).mean()
    assert trained.facts["dev_score"] <= 0 and trained.thresholds is None
    trained.save_pretrained(tmp_path / "saved")
    loaded = Recognizer.from_pretrained(tmp_path / "saved")
    assert loaded.space == MOOD
    np.testing.assert_allclose(
        loaded.predict_utterances(moods.test).probabilities, found.probabilities, atol=1e-5
    )
    happy, sad = api.predict(loaded, ["I am happy.", "I am crying."])
    assert happy.values["mood"] > sad.values["mood"] + 1
    assert (happy.labels, happy.probabilities) == ((), {})


def test_the_concordance_loss_is_refused_for_labels(recipe, moods):
    with pytest.raises(RecipeError, match=r"'train\.loss = ccc' has no effect here: it needs a regression task"):
        check_training(recipe().override({"train": {"loss": "ccc"}}), moods)


def test_divided_votes_are_learned_as_probabilities(weights):
    """A third of the votes for neutral texts are for joy: on average, so are the probabilities."""
    shares = {"joy": (1, 0, 0), "neutral": (1 / 3, 2 / 3, 0), "sadness": (0, 0, 1)}
    names = SPACES[0].names

    def vote(u):
        emotion = u.labels["emotion"][0]
        return replace(u, scores=dict(zip(names, shares[emotion], strict=True)))

    divided = tiny_corpus(vote)
    recipe = tiny_recipe(weights, train={"epochs": 1, "min_steps": 150, "soft_labels": True})
    model = replace(fit_recognizer(recipe, divided)[0], calibration=None)
    found = model.predict_utterances(divided.train).probabilities.mean(0)
    expected = np.mean([list(u.scores.values()) for u in divided.train], axis=0)  # not a third each
    assert np.abs(found - expected).max() < 0.03
    with pytest.raises(RecipeError, match=r"'train\.soft_labels' needs votes or intensities for 'emotion'"):
        fit_recognizer(recipe, tiny_corpus())
    with pytest.raises(RecipeError, match="draws utterances by one label"):
        check_training(recipe.override({"train": {"sampling": "balanced"}}), divided)


def test_several_numbers_are_trained_by_ccc_scored_each_and_have_curves(weights, tmp_path):
    """A table of valence and arousal: one model, every number evaluated with its CCC, and a curve of each."""
    arousal = {"joy": 0.8, "neutral": 0.1, "sadness": 0.4}
    corpus = tiny_corpus()
    emotions = {u.id: u.labels for u in corpus} | corpus.sealed._reveal()[0]
    with (tmp_path / "vad.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "split", "dialogue", "text", "valence", "arousal"])
        for u in corpus:
            (emotion,) = emotions[u.id]["emotion"]
            table.writerow([u.id, u.split, u.dialogue, u.text, NUMBERS[emotion], arousal[emotion]])
    columns = {name: name for name in ("id", "split", "dialogue", "text")}
    recipe = tiny_recipe(
        weights,
        data={"task": "valence", "table": columns | {"values": {"valence": [-2, 2], "arousal": [0, 1]}}},
        model={"auxiliary_tasks": ["valence", "arousal"]},
        train={"epochs": 30, "patience": 30, "loss": "ccc"},
        evaluation={"metric": "ccc"},
    )
    out, root = tmp_path / "model", tmp_path / "vad.csv"
    _model, scores = api.train(recipe, root=root, out=out)
    main, other = api.evaluate(out, root=root), api.evaluate(out, root=root, task="arousal")
    assert (main.metrics, main.task, other.task) == (scores.metrics, "valence", "arousal")
    assert [next(iter(row.metrics)) for row in (main, other)] == ["ccc", "ccc"]
    assert main.metrics["ccc"].value > 0.5 and other.metrics["ccc"].value > 0.5
    with pytest.raises(PredictionsError, match=r"does not predict 'mood'; it predicts: valence, arousal\."):
        api.evaluate(out, root=root, task="mood")
    (tmp_path / "talk.csv").write_text("start,end,text\n0,2,I am happy.\n2,3,I am crying.\n", encoding="utf-8")
    timeline = api.timeline(out, tmp_path / "talk.csv")
    happy, sad = timeline.curve[[0, 2], 0]
    assert happy > sad + 1 and timeline.other_curves["arousal"]["arousal"].shape == (3,)


def test_classification_and_regression_are_selected_by_their_own_metrics(moods, recipe, use_corpus, tmp_path):
    use_corpus(moods)
    candidates = {"plain": {}, "slow": {"train": {"lr": 1e-9}}}
    plan = recipe(tasks=["emotion", "mood_intensity"], candidates=candidates, baselines=["majority"])
    plan = plan.override({"evaluation": {"metric": {"emotion": "macro_f1"}}})
    report = run.run_study([plan], root=tmp_path, out=tmp_path / "out", accept_grade=True)
    assert report.corpora[0].metrics == {"emotion": "macro_f1", "mood_intensity": "mae"}
    numbers = [row for row in report.scores if row.task == "mood_intensity"]
    errors = {row.model: row.metrics["mae"].value for row in numbers if row.split == "dev"}
    assert errors["plain"] < errors["slow"] and report.best_per_family["tiny", "mood_intensity"] == ("plain",)
    assert report.selected["tiny", "mood_intensity"] == min(errors, key=errors.get)
    (best,) = [row for row in numbers if row.role == "selected"]
    assert best.confusion_matrix is None and [row.label for row in best.per_label] == list(MOOD.categories)
    points = [
        point for curve in report.learning_curves if curve.task == "mood_intensity" for point in curve.points
    ]
    assert points and min(point["score"] for point in points) > 0
    counts = dict(zip(MOOD.categories, (0, 10, 0, 10, 0, 10, 0), strict=True))
    assert report.corpora[0].labels["mood_intensity"]["train"] == counts
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "mean absolute error" in page and "mean prediction" in page


def test_regression_baselines_are_the_mean_of_train_and_ridge_regression(moods, weights):
    recipe = tiny_recipe(weights, data={"task": "mood_intensity"})
    mean = fit_predict_baseline("majority", recipe, moods, "mae", ("dev",))["dev"].probabilities
    assert mean == pytest.approx(np.mean([u.scores["mood"] for u in moods.train]))
    words = fit_predict_baseline("bag of words", recipe, moods, "mae", ("dev",))["dev"].probabilities[:, 0]
    truth = np.array([u.scores["mood"] for u in moods.dev])
    assert np.abs(words - truth).mean() < np.abs(mean[:, 0] - truth).mean() / 2


def test_an_unsuitable_metric_or_unknown_task_is_rejected_before_training(moods, weights):
    recipe = tiny_recipe(weights, data={"task": "mood_intensity"})

    def check(metric):
        check_training(recipe.override({"evaluation": {"metric": metric}}), moods)

    check({"emotion": "macro_f1", "mood_intensity": "pearson"})
    with pytest.raises(UnknownNameError, match="no metric called 'macro_f1'"):
        check("macro_f1")
    with pytest.raises(CorpusError, match="no task 'emotoin'"):
        check({"emotoin": "macro_f1"})


def test_intervals_are_clustered_by_speaker_if_the_recipe_says_so(moods, weights):
    space, recipe = moods.label_space("emotion"), tiny_recipe(weights, evaluation={"cluster": "speaker"})
    groups = assign_clusters(moods, "dev", recipe.evaluation.cluster)
    rows = moods.dev
    predictions = [(np.eye(3)[np.zeros(len(rows), dtype=int)], None)]
    truth = space.encode([u.labels["emotion"] for u in rows])
    assert (
        compute_cluster_statistics(AlignedRuns(space, truth, predictions, [groups[u.id] for u in rows])).shape[1]
        == 2
    )
    without_speakers = tiny_corpus(lambda u: replace(u, speaker=None))
    with pytest.raises(RecipeError, match="no utterance in dev of 'tiny' has a speaker"):
        check_training(recipe, without_speakers)


PLUGIN = '''
import numpy as np

from sentir.evaluation.metrics import register_metric
from sentir.evaluation.metrics.metric import Metric


def rmse(sums):
    """Root mean square error."""
    return np.sqrt((sums.xx - 2 * sums.xy + sums.yy) / sums.n)


register_metric("rmse", Metric(rmse, False, "scale", "root mean square error"), kind="regression")
'''


def test_a_new_error_metric_of_one_file_selects_the_epoch_with_the_lowest_error(moods, weights, tmp_path):
    (tmp_path / "rmse.py").write_text(PLUGIN, encoding="utf-8")
    load_plugin(tmp_path / "rmse.py")
    try:
        train = {"epochs": 12, "patience": 12, "lr": 0.3}  # so high that errors rise and fall
        recipe = tiny_recipe(weights, data={"task": "mood_intensity"}, train=train, evaluation={"metric": "rmse"})
        recognizer, predictions = fit_recognizer(recipe, moods)
    finally:
        unload_all()
    errors = [-epoch["score"] for epoch in recognizer.facts["history"]]
    assert errors.index(min(errors)) not in (0, len(errors) - 1) and max(errors) > 1.1 * min(errors)
    labels = {u.id: u.labels["mood_intensity"][0] for u in moods.dev}
    found = predictions.select(labels).probabilities[:, 0]
    assert root_mean_squared_error(list(labels.values()), found) == pytest.approx(min(errors), abs=1e-4)
    assert recognizer.facts["dev_score"] == -min(errors)
