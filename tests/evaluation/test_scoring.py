"""Predictions and labels are matched by id; results are written and read back unchanged."""

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluation_data import dialogues_of, random_case

from sentir.corpus.fingerprints import hash_ids
from sentir.corpus.predictions import Predictions
from sentir.errors import PredictionsError, SentirError
from sentir.evaluation.aligned import align_by_id
from sentir.evaluation.comparison import apply_holm_correction, compare
from sentir.evaluation.metrics import (
    AT_HALF_SUFFIX,
    METRICS_BY_KIND,
    compute_confusion_matrix,
    compute_scores,
    count_metrics,
    score_per_label,
)
from sentir.evaluation.results import few_clusters_note
from sentir.evaluation.scoring import read_results, score_model, write_results


class Scored:
    """A toy evaluation: keyed labels, predictions of subset seeds, and dialogues."""

    def __init__(self, multilabel, seeds=2, n=40):
        cases = [random_case(3, n, 11, multilabel=multilabel, skill=0.3 + 0.2 * s) for s in range(seeds)]
        self.space, self.truth = cases[0][:2]
        self.ids = tuple(f"toy/dev/{i:02d}" for i in range(n))
        one_hot = self.truth if multilabel else np.eye(3)[self.truth]
        self.labels = dict(zip(self.ids, self.space.decode(one_hot), strict=True))
        self.predictions = [Predictions(self.ids, p, self.space) for _space, _truth, p in cases]
        self.thresholds = [np.array([0.3, 0.5, 0.7]) + 0.1 * s if multilabel else None for s in range(seeds)]
        self.groups = dict(zip(self.ids, dialogues_of(n, 8, 0), strict=True))

    def __call__(self, **changes):
        values = {key: getattr(self, key) for key in ("space", "labels", "predictions", "thresholds", "groups")}
        names = {"model": "toy model", "role": "candidate", "corpus": "toy", "split": "dev", "notes": ("a note",)}
        changed = values | {key: value for key, value in changes.items() if key in values}
        options = names | {key: value for key, value in changes.items() if key not in values}
        return score_model(align_by_id(**changed), **options)


@pytest.mark.parametrize("multilabel", [False, True])
def test_scores_are_means_over_seeds(multilabel):
    toy = Scored(multilabel)
    found = toy()
    runs = [(p.probabilities, thresholds) for p, thresholds in zip(toy.predictions, toy.thresholds, strict=True)]
    each = [compute_scores(toy.space, toy.truth, p, thresholds) for p, thresholds in runs]
    assert (found.n, found.num_seeds, found.task, found.num_clusters) == (40, 2, "emotion", 8)
    assert found.notes == ("a note",) and found.localized_notes == ("a note", few_clusters_note(8))
    half = [compute_scores(toy.space, toy.truth, p) for p, _thresholds in runs]
    for name, value in found.metrics.items():
        scores = half if name.endswith(AT_HALF_SUFFIX) else each
        assert value.value == pytest.approx(np.mean([run[name.removesuffix(AT_HALF_SUFFIX)] for run in scores]))
    labels = [score_per_label(toy.space, toy.truth, p, thresholds) for p, thresholds in runs]
    for k, row in enumerate(found.per_label):
        assert row.support == labels[0][k].support
        assert row.metrics["f1"] == pytest.approx(np.mean([run[k].metrics["f1"] for run in labels]))
    if multilabel:
        assert found.confusion_matrix is None
        assert list(found.thresholds.values()) == pytest.approx([0.35, 0.55, 0.75])
    else:
        mean = np.mean([compute_confusion_matrix(toy.space, toy.truth, p) for p, _thresholds in runs], axis=0)
        np.testing.assert_allclose(found.confusion_matrix, mean)
        assert found.thresholds is None


def test_multilabel_scores_at_tuned_thresholds_are_followed_by_those_at_a_half():
    toy = Scored(True, seeds=1)
    found = toy()
    names = list(found.metrics)
    dependent = [name for name in names if not name.endswith(AT_HALF_SUFFIX)][: len(count_metrics(toy.space))]
    assert names[: 2 * len(dependent)] == [name for pair in dependent for name in (pair, pair + AT_HALF_SUFFIX)]
    assert names[2 * len(dependent) :] == [*METRICS_BY_KIND["multi"].ranking_metrics]
    row = found.per_label[0].metrics
    assert {"f1", "f1@0.5", "weighted_accuracy@0.5", "auc"} <= row.keys() and "auc@0.5" not in row
    plain = toy(thresholds=[None])
    assert not any(AT_HALF_SUFFIX in name for name in plain.metrics)
    for name in dependent:
        assert plain.metrics[name] == found.metrics[name + AT_HALF_SUFFIX]


def test_few_dialogues_add_a_note():
    toy = Scored(False)
    assert few_clusters_note(8) in toy().localized_notes
    assert toy(groups=dict.fromkeys(toy.ids, "")).localized_notes == ("a note",)


@pytest.mark.parametrize("multilabel", [False, True])
def test_order_and_extra_predictions_do_not_matter(multilabel):
    toy = Scored(multilabel)
    expected = toy()
    order = np.random.default_rng(1).permutation(40)
    shuffled = [
        Predictions(
            (*(p.ids[n] for n in order), "toy/dev/other"),
            np.vstack([p.probabilities[order], [[1, 0, 0]]]),
            p.label_space,
        )
        for p in toy.predictions
    ]
    labels = {toy.ids[n]: toy.labels[toy.ids[n]] for n in order[::-1]}
    assert toy(predictions=shuffled, labels=labels) == expected


def test_exactly_the_labeled_utterances_are_scored():
    toy = Scored(False)
    subset = dict(list(toy.labels.items())[:25])
    found = toy(labels=subset)
    assert (found.n, found.ids_hash) == (25, hash_ids(subset))
    assert found.ids_hash != toy().ids_hash
    assert hash_ids(["b", "a"]) == hash_ids(["a", "b"]) != hash_ids(["ab"])


def test_missing_inputs_are_errors_that_name_the_utterance():
    toy = Scored(False)
    short = [p.select(toy.ids[1:]) for p in toy.predictions]
    with pytest.raises(PredictionsError, match="1 utterances have no prediction, the first is 'toy/dev/00'"):
        toy(predictions=short)
    with pytest.raises(PredictionsError, match="1 utterances have no dialogue, the first is 'toy/dev/39'"):
        toy(groups={key: toy.groups[key] for key in toy.ids[:-1]})
    with pytest.raises(PredictionsError, match="1 sets of thresholds do not fit the predictions of 2 seeds"):
        toy(thresholds=[None])
    with pytest.raises(PredictionsError, match="nothing to score"):
        toy(labels={})
    with pytest.raises(PredictionsError, match="no predictions"):
        toy(predictions=[], thresholds=[])
    with pytest.raises(PredictionsError, match="predictions are for the labels"):
        toy(predictions=Scored(True).predictions)


def test_an_utterance_without_a_dialogue_key_is_its_own_group():
    toy = Scored(False)
    alone = dict.fromkeys(toy.ids, "")
    aligned = align_by_id(toy.space, toy.labels, toy.predictions, toy.thresholds, alone)
    assert aligned.groups == sorted(toy.ids)


@pytest.mark.parametrize("multilabel", [False, True])
def test_results_are_read_back_as_written(tmp_path, multilabel):
    toy = Scored(multilabel)
    aligned = align_by_id(toy.space, toy.labels, toy.predictions, toy.thresholds, toy.groups)
    paired = compare(
        aligned,
        replace(aligned, runs=aligned.runs[:1]),
        metric="macro_f1",
        names=("two", "one"),
        corpus="toy",
        split="dev",
        permutations=100,
    )
    (comparison,) = apply_holm_correction([paired])
    path = tmp_path / "new" / "results.json"
    write_results(path, [toy(), toy(role="baseline")], [comparison])
    assert read_results(path) == ((toy(), toy(role="baseline")), (comparison,))
    assert {p.name for p in path.parent.iterdir()} == {"results.json", "comparisons.json"}
    row = json.loads(path.read_text())[1]
    assert {"model", "role", "corpus", "task", "split", "n", "num_seeds", "metrics"} <= set(row)
    assert {"value", "low", "high"} <= set(row["metrics"]["macro_f1"])


def test_invalid_results_are_errors_that_name_the_file(tmp_path):
    path = tmp_path / "results.json"
    with pytest.raises(SentirError, match=r"results\.json cannot be read"):
        read_results(path)
    write_results(path, [], [])
    path.write_text('[{"model": "x"}]')
    with pytest.raises(SentirError, match=r"results\.json is not a results file of Sentir: 0\.role"):
        read_results(path)
    path.write_text("{")
    with pytest.raises(SentirError, match="is not a results file of Sentir"):
        read_results(path)
    with pytest.raises(SentirError, match=r"results\.json/results\.json cannot be written"):
        write_results(path / "results.json", [], [])


def test_a_failed_write_keeps_the_old_results(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    write_results(path, [Scored(False)()], [])
    before = path.read_text()

    def full(_self, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sentir.io.os.replace", full)
    with pytest.raises(SentirError, match="No space left"):
        write_results(path, [], [])
    assert path.read_text() == before
    assert {p.name for p in tmp_path.iterdir()} == {"results.json", "comparisons.json"}
