"""Weights of an ensemble's members are those of the best likelihood, and are judged on what they did not see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import nnls

from sentir.corpus.label_spaces import MultiLabelSpace, RegressionSpace, SingleLabelSpace
from sentir.evaluation.calibration.ensemble_weights import cross_fit_weights, fit_weights

SPACES = {
    "single": SingleLabelSpace("emotion", ("a", "b", "c")),
    "multi": MultiLabelSpace("feelings", ("a", "b", "c")),
    "regression": RegressionSpace("valence", "value", (-3.0, 3.0)),
}
LABELS = {
    "single": [("a",), ("b",), ("c",)],
    "multi": [("a",), ("b", "c"), ()],
    "regression": [(-2.0,), (0.5,), (2.5,)],
}


def draw(kind, n=300, seed=0):
    """Return space, truth and logits of a good member, a weaker one, and one of noise."""
    rng, space = np.random.default_rng(seed), SPACES[kind]
    truth = space.encode_targets([LABELS[kind][k] for k in rng.integers(0, 3, n)])
    signal = np.eye(3)[truth] if kind == "single" else truth.reshape(n, -1)
    signal = signal - signal.mean(axis=0)
    noise = rng.normal(size=(3, *signal.shape))
    return space, truth, np.stack([signal + noise[0], signal + 3 * noise[1], noise[2]])


@pytest.mark.parametrize("kind", SPACES)
def test_better_members_weigh_more_and_noise_weighs_nothing(kind):
    good, weak, noise = fit_weights(*draw(kind, 3000))
    assert good + weak + noise == pytest.approx(1)
    assert good > 2 * weak > 0 and noise < 0.1 and min(good, weak, noise) >= 0


def test_a_regression_is_nonnegative_least_squares():
    space, truth, logits = draw("regression")
    factors, _residual = nnls(logits[:, :, 0].T, truth.astype(np.float64))
    np.testing.assert_allclose(fit_weights(space, truth, logits), factors / factors.sum(), atol=1e-3)


@pytest.mark.parametrize("kind", SPACES)
def test_the_weights_of_a_fold_do_not_depend_on_its_labels(kind):
    space, truth, logits = draw(kind)
    groups = [f"d{n // 20}" for n in range(len(truth))]
    folds = cross_fit_weights(space, truth, logits, groups)
    assert np.sum([mask for mask, _weights in folds], axis=0).tolist() == [1] * len(truth)
    for mask, weights in folds:
        assert not {g for g, held_out in zip(groups, mask, strict=True) if held_out} & {
            g for g, held_out in zip(groups, mask, strict=True) if not held_out
        }
        changed = truth.copy()
        changed[mask] = changed[mask][::-1]
        again = dict((m.tobytes(), w) for m, w in cross_fit_weights(space, changed, logits, groups))
        assert again[mask.tobytes()] == weights


@pytest.mark.parametrize("kind", SPACES)
def test_members_that_predict_nothing_weigh_the_same(kind):
    space, truth, logits = draw(kind)
    assert fit_weights(space, truth, -np.abs(logits) * 0) == pytest.approx((1 / 3,) * 3)
    assert fit_weights(space, truth[:0], logits[:, :0]) == pytest.approx((1 / 3,) * 3)


@given(hnp.arrays(np.float64, (4, 3), elements=st.floats(-20, 20)))
def test_logits_are_the_inverse_of_probabilities(z):
    for kind, space in SPACES.items():
        p = space.probabilities(z if kind != "regression" else z[:, :1])
        np.testing.assert_allclose(space.probabilities(space.logits(p)), p, atol=1e-9)
        assert np.isfinite(space.logits(np.round(p) if kind != "regression" else p)).all()
