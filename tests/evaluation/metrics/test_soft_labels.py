"""Predictions are scored against raters' votes and intensities as SciPy does, over utterances that have them."""

from dataclasses import replace

import numpy as np
import pytest
from evaluation_data import dialogues_of, space_of
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from tiny_corpora import SPACES, tiny_corpus

from sentir.api.evaluation import make_scorer
from sentir.cli.scores_output import print_scores
from sentir.corpus.predictions import Predictions
from sentir.evaluation.aligned import align_by_id
from sentir.evaluation.intervals import score_soft_labels_with_intervals
from sentir.evaluation.jackknife import jackknife_interval
from sentir.evaluation.locked.ledger import list_openings
from sentir.evaluation.metrics.soft_labels import SOFT_LABEL_METRICS, score_soft_labels
from sentir.evaluation.scorer import ModelPredictions
from sentir.evaluation.scoring import score_model
from sentir.recipe import Recipe
from sentir.report.tables import score_table

NAMES = {"model": "m", "role": "candidate", "corpus": "toy", "split": "dev"}


def votes_and_probabilities(n=60, k=4):
    rng = np.random.default_rng(0)
    votes = rng.multinomial(5, rng.dirichlet(np.ones(k)), size=n) / 5  # with zeros
    return votes, rng.dirichlet(np.ones(k), size=n)


def test_shares_of_votes_are_scored_as_by_scipy():
    votes, p = votes_and_probabilities()
    found = score_soft_labels(space_of(4, False), votes, p)
    np.testing.assert_allclose(found["soft_kl_divergence"], entropy(votes, p, axis=1))
    np.testing.assert_allclose(found["soft_js_divergence"], jensenshannon(votes, p, base=2, axis=1) ** 2)
    np.testing.assert_allclose(found["soft_cross_entropy"], entropy(votes, axis=1) + entropy(votes, p, axis=1))
    np.testing.assert_allclose(found["soft_brier"], ((votes - p) ** 2).sum(axis=1))


def test_intensities_are_distributions_of_present_and_absent_averaged_over_labels():
    rng = np.random.default_rng(1)
    intensities, p = rng.integers(0, 4, (50, 3)) / 3, rng.random((50, 3))
    found = score_soft_labels(space_of(3, True), intensities, p)
    both = [np.stack([one, 1 - one], axis=-1) for one in (intensities, p)]
    np.testing.assert_allclose(found["soft_kl_divergence"], entropy(*both, axis=2).mean(axis=1))
    np.testing.assert_allclose(found["soft_js_divergence"], (jensenshannon(*both, 2, axis=2) ** 2).mean(axis=1))
    np.testing.assert_allclose(found["soft_brier"], ((intensities - p) ** 2).mean(axis=1))


@pytest.mark.parametrize("multilabel", [False, True])
def test_votes_themselves_score_best_and_certain_errors_are_finite(multilabel):
    votes, p = votes_and_probabilities()
    space = space_of(4, multilabel)
    own, other = score_soft_labels(space, votes, votes), score_soft_labels(space, votes, p)
    assert all((own[name] <= other[name] + 1e-12).all() for name in SOFT_LABEL_METRICS)
    assert np.abs(own["soft_kl_divergence"]).max() < 1e-12 and own["soft_brier"].max() == 0
    wrong = score_soft_labels(space, np.array([[1.0, 0, 0, 0]]), np.array([[0.0, 1, 0, 0]]))
    assert np.isfinite(list(wrong.values())).all()
    assert wrong["soft_js_divergence"] == pytest.approx(0.5 if multilabel else 1)


def _aligned(scores):
    votes, p = votes_and_probabilities()
    space, ids = space_of(4, False), tuple(f"u{n:02}" for n in range(60))
    labels = {key: (space.names[k],) for key, k in zip(ids, votes.argmax(axis=1), strict=True)}
    shares = {key: dict(zip(space.names, row, strict=True)) for key, row in zip(ids, votes, strict=True)}
    groups = dict(zip(ids, dialogues_of(60, 15, 0), strict=True))
    runs = [Predictions(ids, own, space) for own in (p, p[:, ::-1])]
    return align_by_id(space, labels, runs, [None, None], groups, scores(shares)), (votes, p)


def test_scores_are_means_over_seeds_with_jackknife_intervals_over_dialogues():
    aligned, (votes, p) = _aligned(lambda shares: shares)
    found = score_soft_labels_with_intervals(aligned)["soft_brier"]
    each = np.stack([((votes - own) ** 2).sum(axis=1) for own in (p, p[:, ::-1])])
    groups = np.array(aligned.groups)
    left = np.array([each[:, groups != one].mean() for one in np.unique(groups)])
    assert found.value == pytest.approx(each.mean()) and found.sd == pytest.approx(each.mean(axis=1).std(ddof=1))
    assert (found.low, found.high) == pytest.approx(jackknife_interval(each.mean(), left, is_proportion=False))
    row = score_model(aligned, **NAMES)
    assert [*row.metrics][-4:] == [*SOFT_LABEL_METRICS] and not row.notes


def test_only_utterances_with_votes_count_and_the_row_says_how_many():
    aligned, _arrays = _aligned(lambda shares: {key: own for key, own in shares.items() if key < "u20"})
    part = aligned.select(np.arange(20))
    found, expected = score_model(aligned, **NAMES), score_model(part, **NAMES)
    assert all(found.metrics[name].value == expected.metrics[name].value for name in SOFT_LABEL_METRICS)
    assert found.notes == ("utterances with raters' votes or intensities: 20",) and not expected.notes
    without = score_model(replace(aligned, soft_labels=None), **NAMES)
    assert set(found.metrics) - set(without.metrics) == set(SOFT_LABEL_METRICS)
    assert _aligned(lambda shares: {})[0].soft_labels is None


def test_dev_and_test_are_scored_against_votes_and_test_only_by_a_counted_opening(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path))
    names = SPACES[0].names

    def vote(u):
        own = u.labels["emotion"][0]
        return replace(u, scores={name: 0.7 if name == own else 0.15 for name in names})

    corpus, recipe = tiny_corpus(vote), Recipe.parse({"name": "tiny", "data": {"reader": "table"}})
    space = corpus.label_space("emotion")
    for split in ("dev", "test"):
        utterances = corpus.split(split)
        assert split == "dev" or not any(u.scores for u in utterances)
        p = np.full((len(utterances), 3), 1 / 3)
        model = ModelPredictions("m", (Predictions(tuple(u.id for u in utterances), p, space),), (None,))
        row = make_scorer(corpus, split, recipe, reason="votes").score(model, "candidate")
        assert row.metrics["soft_cross_entropy"].value == pytest.approx(np.log(3))
        print_scores([row])
    assert len(list_openings(corpus)) == 1 and "soft" in capsys.readouterr().out
    assert "Jensen–Shannon divergence, soft labels" in score_table([row], "weighted_f1").headings
