"""Statistics of speaker normalization against their definitions and simulations."""

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import polygamma

from sentir.features.speaker_normalization import SpeakerMoments, SpeakerNormalizer

WIDTH = 3


def simulate(num_speakers=60, clips=40, rho=(0.0, 0.3, 0.8), seed=0):
    """Draw columns with known shares of variance between speakers, on awkward scales."""
    rng = np.random.default_rng(seed)
    effects = rng.normal(size=(num_speakers, WIDTH)) * np.sqrt(rho)
    residuals = rng.normal(size=(num_speakers, clips, WIDTH)) * np.sqrt(1 - np.array(rho))
    values = (effects[:, None] + residuals).reshape(-1, WIDTH) * [1.0, 40.0, 1e-3] + [0.0, 200.0, -5.0]
    return values, [f"s{n // clips}" for n in range(len(values))]


def enroll(normalizer, clips, rows):
    """Return the moments of clips as those of the speaker of each row."""
    total = normalizer.moments(clips).total(slice(None))
    return SpeakerMoments.stack([total] * len(rows))


def test_the_share_of_variance_between_speakers_is_found():
    values, speakers = simulate()
    normalizer = SpeakerNormalizer.fit(values, speakers)
    assert normalizer.correlations == pytest.approx([0.0, 0.3, 0.8], abs=0.08)
    np.testing.assert_allclose(normalizer.means, values.mean(axis=0))
    np.testing.assert_allclose(normalizer.stds, values.std(axis=0))
    assert normalizer.degrees_of_freedom > 100, "all speakers vary alike"


def test_differing_variances_of_speakers_are_shrunk_less():
    rng = np.random.default_rng(0)
    scales = np.exp(rng.normal(size=60) * 0.8)
    values = (rng.normal(size=(60, 40, WIDTH)) * scales[:, None, None]).reshape(-1, WIDTH)
    assert SpeakerNormalizer.fit(values, [f"s{n // 40}" for n in range(2400)]).degrees_of_freedom < 10


def unbalanced(seed=0):
    """Standardized values of three columns, of speakers with 1, 3, 7 and 12 clips."""
    rng, speakers = (
        np.random.default_rng(seed),
        [f"s{n}" for n, clips in enumerate((1, 3, 7, 12)) for _c in range(clips)],
    )
    effects = {name: rng.normal(size=WIDTH) * [0.5, 1.0, 3.0] for name in speakers}
    values = np.array([effects[name] for name in speakers]) + rng.normal(size=(len(speakers), WIDTH))
    return (values - values.mean(axis=0)) / values.std(axis=0), speakers


def analyze_variance(column, speakers):
    """One-way analysis of variance with random effects, written out for one column: between and within."""
    known = [(value, name) for value, name in zip(column, speakers, strict=True) if name and value == value]
    groups = [np.array([v for v, n in known if n == name]) for name in sorted({name for _value, name in known})]
    total, k, mean = len(known), len(groups), np.mean([value for value, _name in known])
    within = sum(((one - one.mean()) ** 2).sum() for one in groups) / (total - k)
    between = sum(len(one) * (one.mean() - mean) ** 2 for one in groups) / (k - 1)
    size = (total - sum(len(one) ** 2 for one in groups) / total) / (k - 1)
    return max((between - within) / size, 0), within


def test_shares_of_unequal_speakers_are_those_of_an_analysis_of_variance():
    values, speakers = unbalanced()
    found = SpeakerNormalizer.fit(values, speakers).correlations
    for column, share in zip(values.T, found, strict=True):
        effect, within = analyze_variance(column, speakers)
        assert share == pytest.approx(effect / (effect + within), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_rows_without_speaker_and_unknown_values_are_left_out_of_the_variances(seed):
    """They count for mean and deviation of a column only, so its mean over the speakers is not 0."""
    values, speakers = unbalanced(seed)
    rng = np.random.default_rng(seed)
    values = np.concatenate([values, rng.normal(4, 3, size=(20, WIDTH))])
    values[3, 0], values[rng.random(len(values)) < 0.3, 1], values[:4, 2] = np.nan, np.nan, np.nan
    speakers = [*speakers, *[None] * 20]
    normalizer = SpeakerNormalizer.fit(values, speakers)
    np.testing.assert_allclose(normalizer.means, np.nanmean(values, axis=0))
    np.testing.assert_allclose(normalizer.stds, np.nanstd(values, axis=0))
    for column, share in zip(values.T, normalizer.correlations, strict=True):
        effect, within = analyze_variance(column, speakers)
        assert share == pytest.approx(effect / (effect + within), abs=1e-9)


def test_a_small_case_by_hand():
    """Clips 0 and 2 of one speaker, 4 of another: within 2, between 6, 4 / 3 clips of a speaker on average."""
    normalizer = SpeakerNormalizer.fit(np.array([[0.0], [2.0], [4.0]]), ["a", "a", "b"])
    assert normalizer.means == (2.0,) and normalizer.stds[0] == pytest.approx((8 / 3) ** 0.5)
    assert normalizer.correlations[0] == pytest.approx(3 / (3 + 2))  # (6 - 2) / (4 / 3) = 3


def test_one_known_value_is_no_evidence_of_a_speaker_effect():
    values = np.array([[0.0, np.nan], [1.0, 5.0], [5.0, np.nan], [9.0, 2.0]])
    assert SpeakerNormalizer.fit(values, ["a", "a", "b", None]).correlations[1] == 0


def test_estimates_do_not_depend_on_unit_and_origin_of_a_column():
    values, speakers = simulate(num_speakers=10, clips=6)
    one = SpeakerNormalizer.fit(values, speakers)
    other = SpeakerNormalizer.fit(values * 50 + 5e6 * values.std(axis=0), speakers)
    np.testing.assert_allclose(other.correlations, one.correlations, atol=1e-6)
    assert other.degrees_of_freedom == pytest.approx(one.degrees_of_freedom, rel=1e-3)


def test_a_column_that_varies_by_less_than_a_millionth_is_constant():
    signs = np.resize([1.0, -1.0], 8)
    columns = [0.9e-6 * signs, 1.5e-6 * signs, 1e4 + 0.9e-2 * signs, 1e4 + 1.1e-2 * signs]
    normalizer = SpeakerNormalizer.fit(np.stack(columns, axis=1), list("aabbccdd"))
    assert [std > 0 for std in normalizer.stds] == [False, True, False, True]
    clips = np.stack(columns, axis=1)
    assert (normalizer.standardize(clips)[:, [0, 2]] == 0).all(), "as if its values were the mean"
    found = normalizer.normalize(clips + 1, enroll(normalizer, clips, clips))
    np.testing.assert_array_equal(found[:, [0, 2]], (clips + 1)[:, [0, 2]].astype(np.float32))


def spread(scales, clips, seed=0):
    """A column of speakers whose clips have these standard deviations."""
    rng, speakers = np.random.default_rng(seed), [f"s{n}" for n in range(len(scales)) for _clip in range(clips)]
    return (rng.normal(size=(len(scales), clips)) * np.array(scales)[:, None]).reshape(-1, 1), speakers


@pytest.mark.parametrize(("log_spread", "low", "high"), [(0.3, 5, 100), (1.0, 1.2, 5), (3.0, 0.1, 1.1)])
def test_the_degrees_of_freedom_solve_the_equation_of_smyth(log_spread, low, high):
    """Oracle: his section 6.2 for speakers of seven clips, solved by a root finder of SciPy."""
    values, speakers = spread(np.exp(np.random.default_rng(5).normal(size=30) * log_spread), 7)
    variances = values.reshape(30, 7).var(axis=1, ddof=1)
    excess = np.log(variances).var(ddof=1) - polygamma(1, 3)
    freedom = brentq(lambda d: polygamma(1, d / 2) - excess, 0.05, 1e4)
    assert low < freedom < high
    assert SpeakerNormalizer.fit(values, speakers).degrees_of_freedom == pytest.approx(freedom, rel=1e-6)


def test_equal_clips_are_told_from_clips_that_hardly_vary():
    values, speakers = spread([1e-4, 1e-3, 1.0, 1.0, 1.0, 1.0], 7)
    variances = values.reshape(6, 7).var(axis=1, ddof=1)
    excess = np.log(variances).var(ddof=1) - polygamma(1, 3)
    freedom = brentq(lambda d: polygamma(1, d / 2) - excess, 0.05, 1e4)
    assert SpeakerNormalizer.fit(values, speakers).degrees_of_freedom == pytest.approx(freedom, rel=1e-4)
    equal = np.concatenate([values, np.full((4000, 1), 0.7)])  # their squared deviations are rounding errors
    assert SpeakerNormalizer.fit(equal, [*speakers, *["far"] * 4000]).degrees_of_freedom == 1e4, "not estimated"


def test_the_degrees_of_freedom_of_speakers_variances_are_found_from_few_and_many_clips():
    """Variances that are d over chi-squares of d degrees of freedom, the prior of Smyth (2004)."""
    rng, sizes = np.random.default_rng(0), [3] * 400 + [30] * 400
    variances = 8 / rng.chisquare(8, size=len(sizes))
    rows = [rng.normal(size=(n, WIDTH)) * np.sqrt(v) for n, v in zip(sizes, variances, strict=True)]
    speakers = [f"s{n}" for n, own in enumerate(rows) for _row in own]
    assert SpeakerNormalizer.fit(np.concatenate(rows), speakers).degrees_of_freedom == pytest.approx(8, rel=0.2)
    rows[0][:, 0] = 0.5  # a speaker whose clips are equal says nothing about variances
    again = SpeakerNormalizer.fit(np.concatenate(rows), speakers)
    assert again.degrees_of_freedom == pytest.approx(8, rel=0.2)


@pytest.mark.parametrize("clips", [[0.8], [0.5, 0.6], [0.5, 2.0, 1.1]])
def test_few_clips_give_the_mean_and_the_variance_of_the_formulas(clips):
    rho, d, clips, n = 0.3, 4.0, np.array(clips), len(clips)
    normalizer = SpeakerNormalizer((10.0,), (2.0,), (rho,), d)
    moments = SpeakerMoments(*(np.array([[total]]) for total in (float(n), clips.sum(), (clips**2).sum())))
    mean = n * rho * clips.mean() / (n * rho + 1 - rho)
    deviations = ((clips - clips.mean()) ** 2).sum()
    variance = (d * (1 - rho) + deviations) / (d + n - 1) + rho * (1 - rho) / (n * rho + 1 - rho)
    found = normalizer.normalize(np.array([[13.0]]), moments)
    assert found[0, 0] == pytest.approx(10 + 2 * (1.5 - mean) / np.sqrt(variance), abs=1e-5)


def test_two_speakers_suffice_and_one_value_has_its_mean():
    values = np.concatenate([np.random.default_rng(n).normal(5 * n, 1, (20, 1)) for n in range(2)])
    assert SpeakerNormalizer.fit(values, ["a"] * 20 + ["b"] * 20).correlations[0] > 0.8
    assert SpeakerNormalizer.fit(np.array([[4.0], [np.nan]]), ["a", "b"]).means == (4.0,)


def test_without_enrollment_values_are_unchanged_to_the_last_bit():
    rows = np.random.default_rng(0).random((200, WIDTH)).astype(np.float32)
    normalizer = SpeakerNormalizer((0.5, 1e8, -1e8), (0.3, 1e8, 1e7), (0.0, 0.5, 0.9), 7.0)
    nothing = SpeakerMoments.stack([SpeakerMoments.none(WIDTH)] * len(rows))
    assert np.array_equal(normalizer.normalize(rows, nothing), rows)


def test_what_no_variances_can_be_is_refused():
    SpeakerNormalizer((0.0,), (1.0,), (0.0,), 0.5)
    for correlation, freedom in ((-0.1, 1.0), (1.0, 1.0), (0.5, 0.0), (0.5, -1.0)):
        with pytest.raises(ValueError, match="correlations must be"):
            SpeakerNormalizer((0.0,), (1.0,), (correlation,), freedom)
    with pytest.raises(ValueError, match="for each column"):
        SpeakerNormalizer((0.0,), (1.0, 1.0), (0.5,), 1.0)


def test_with_many_clips_a_speaker_gets_the_mean_and_the_deviation_of_train():
    values, speakers = simulate()
    normalizer = SpeakerNormalizer.fit(values, speakers)
    clips = np.random.default_rng(1).normal(size=(40_000, WIDTH)) * [2.0, 60.0, 2e-3] + [0.0, 260.0, -5.001]
    normalized = normalizer.normalize(clips, enroll(normalizer, clips, clips))
    scaled = (normalized - normalizer.means) / normalizer.stds
    np.testing.assert_allclose(scaled.mean(axis=0)[1:], 0, atol=0.02)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=0.12)


@pytest.mark.parametrize("n", [1, 2, 8, 32])
def test_the_shrunken_mean_is_the_best_linear_prediction(n):
    """Oracle: the regression of a speaker's further clips on the mean of n others, over many speakers."""
    rho, clips = 0.5, n + 20
    values, _speakers = simulate(4000, clips, (rho,) * WIDTH, seed=n)
    groups = values.reshape(4000, clips, WIDTH)[..., 0]
    slope = np.polyfit(groups[:, :n].mean(axis=1), groups[:, n:].mean(axis=1), 1)[0]
    normalizer = SpeakerNormalizer((0.0,), (1.0,), (rho,), 1e4)
    one = SpeakerMoments(np.full((2, 1), float(n)), np.full((2, 1), float(n)), np.full((2, 1), float(n)))
    at_one, at_two = normalizer.normalize(np.array([[1.0], [2.0]]), one)[:, 0]
    shift = 1 - at_one / (at_two - at_one)  # where the normalized value is 0
    assert shift == pytest.approx(slope, abs=0.03)


def test_unknown_values_and_constant_columns_stay():
    values, speakers = simulate()
    values[::3, 1], values[:, 2] = np.nan, 7.0
    normalizer = SpeakerNormalizer.fit(values, speakers)
    rows = values[:4]
    rows[:, 0] = np.nan
    clips = values[40:60]
    clips[:, 1] = np.nan
    normalized = normalizer.normalize(rows, enroll(normalizer, clips, rows))
    assert np.isnan(normalized[:, 0]).all() and (normalized[:, 2] == 7).all()
    np.testing.assert_array_equal(normalized[:, 1], rows[:, 1].astype(np.float32))


def test_rows_can_be_added_to_the_moments_and_taken_out_again():
    values, speakers = simulate()
    normalizer = SpeakerNormalizer.fit(values, speakers)
    moments = normalizer.moments(values[:6])
    both = moments.total([0, 1]) + moments.total([2, 3])
    for name in ("counts", "sums", "squares"):
        np.testing.assert_allclose(getattr(both, name), getattr(moments.total([0, 1, 2, 3]), name))
    rest = moments.total([0, 1, 2, 3, 4, 5]) - moments.total([2])
    for name in ("counts", "sums", "squares"):
        np.testing.assert_allclose(getattr(rest, name), getattr(moments.total([0, 1, 3, 4, 5]), name), atol=1e-9)


def test_one_or_no_known_speaker_gives_no_speaker_effect():
    values, speakers = simulate()
    for names in ([None] * len(speakers), ["a"] * len(speakers)):
        assert SpeakerNormalizer.fit(values, names).correlations == (0.0, 0.0, 0.0)


def test_saved_as_json_and_back():
    normalizer = SpeakerNormalizer.fit(*simulate())
    tree = json.loads(json.dumps(normalizer.to_dict()))
    assert SpeakerNormalizer(**{k: tuple(v) if isinstance(v, list) else v for k, v in tree.items()}) == normalizer


def test_normalizing_needs_no_scipy():
    code = (
        "import sys, numpy as np\nfrom sentir.features.speaker_normalization import *\n"
        "one = SpeakerNormalizer((0.,), (1.,), (.5,), 10.)\n"
        "one.normalize(np.ones((1, 1)), one.moments(np.ones((1, 1))))\nassert 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
