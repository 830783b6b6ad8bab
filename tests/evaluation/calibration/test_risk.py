"""The risk–coverage curve, against a search of all thresholds."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from sentir.errors import RecognizerError
from sentir.evaluation.calibration.risk import RiskCurve, fit_risk_curve

CONFIDENCES = st.one_of(st.floats(0, 1), st.sampled_from([0.25, 0.5, 0.75]))
ROWS = st.lists(st.tuples(CONFIDENCES, st.sampled_from([0.0, 1 / 6, 0.5, 5 / 6, 1.0])), min_size=1, max_size=40)


def search_all_thresholds(confidences, correctness, max_error):
    """The lowest of all thresholds with this error, by trying each."""
    for threshold in sorted({*confidences.tolist()}):
        kept = confidences >= threshold
        if 1 - correctness[kept].mean() <= max_error + 1e-9:
            return threshold, 1 - correctness[kept].mean(), kept.mean()
    return None


@given(ROWS, st.one_of(st.floats(0, 1), st.sampled_from([0, 0.1, 0.2, 0.25, 0.5, 1])))
def test_the_lowest_threshold_with_at_most_this_error_is_found(rows, max_error):
    confidences, correctness = np.array(rows).T
    curve = fit_risk_curve(confidences, correctness)
    assert curve.is_valid()
    expected = search_all_thresholds(confidences, correctness, max_error)
    if expected is None:
        with pytest.raises(RecognizerError, match="No confidence threshold keeps the error on dev"):
            curve.find_threshold(max_error)
    else:
        point = curve.find_threshold(max_error)
        assert (point.confidence, point.error, point.coverage) == pytest.approx(expected, abs=1e-9)


@given(ROWS)
def test_a_curve_survives_json_exactly(rows):
    curve = fit_risk_curve(*np.array(rows).T)
    assert TypeAdapter(RiskCurve).validate_json(json.dumps(asdict(curve))) == curve


def test_a_share_that_is_not_reached_is_said_with_what_is():
    curve = fit_risk_curve(np.array([0.2, 0.9, 0.8, 0.7]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert curve.find_threshold(0.5).coverage == 1 and curve.find_threshold(0.34).coverage == 0.75
    assert curve.find_threshold(0).confidence == 0.9
    wrong = fit_risk_curve(np.array([0.2, 0.9]), np.array([1.0, 0.0]))
    with pytest.raises(RecognizerError, match=r"at 10\.0% or below; the lowest error is 50\.0%, at 100\.0%"):
        wrong.find_threshold(0.1)


@pytest.mark.parametrize("share", [20, -0.1, float("nan"), True, "0.2"])
def test_a_maximum_error_is_a_share(share):
    with pytest.raises(RecognizerError, match=r"must be a share between 0 and 1, such as 0\.2, not"):
        fit_risk_curve(np.ones(1), np.ones(1)).find_threshold(share)


@pytest.mark.parametrize(
    "change",
    [
        {"errors": (0.5, 0.6)},
        {"errors": (0.5,)},
        {"errors": (), "confidences": (), "coverages": ()},
        {"confidences": (0.6, 0.4)},
        {"coverages": (1.5, 0.2)},
        {"confidences": (0.2, float("nan"))},
    ],
)
def test_an_impossible_curve_is_not_valid(change):
    valid = RiskCurve((0.4, 0.6), (0.5, 0.25), (1.0, 0.5))
    assert valid.is_valid() and not replace(valid, **change).is_valid()
