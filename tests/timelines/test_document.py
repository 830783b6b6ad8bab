"""The document, and its schema in the guide."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.errors import TimelineError
from sentir.timelines.document import Source, Turn
from sentir.timelines.timeline import Timeline

GUIDE = (Path(__file__).parents[2] / "docs/en/timeline.md").read_text(encoding="utf-8")
EXAMPLE, SCHEMA = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL))


def test_the_example_fits_the_schema_and_is_read():
    jsonschema.validate(EXAMPLE, SCHEMA)
    timeline = Timeline.from_dict(EXAMPLE)
    assert timeline.turns[0].text == "I got it!" and timeline.labels == ("anger", "joy", "neutral")


probability = st.floats(0, 1)
turns = st.builds(
    lambda start, seconds, **fields: Turn(start, start + seconds, **fields),
    st.floats(0, 100), st.floats(0.01, 9),
    speaker=st.none() | st.text(), text=st.none() | st.text(),
    labels=st.lists(st.sampled_from("ab"), unique=True).map(tuple), confidence=st.none() | probability,
    probabilities=st.fixed_dictionaries({"a": probability, "b": probability}),
    notes=st.lists(st.text()).map(tuple),
)  # fmt: skip


@settings(max_examples=30)
@given(st.lists(turns, max_size=4), st.booleans())
def test_documents_fit_the_schema_and_come_back(some, synthetic):
    source = Source("a.wav", "0" * 64, 120.0)
    timeline = Timeline(tuple(some), source, "emotion", ("a", "b"), {"name": "m"}, synthetic=synthetic)
    tree = json.loads(timeline.to_json())
    jsonschema.validate(tree, SCHEMA)
    assert Timeline.from_json(timeline.to_json()).to_dict() == tree == timeline.to_dict()


@pytest.mark.parametrize("seconds", [-1, 1e18, float("nan"), float("inf"), "5", True])
def test_impossible_durations(seconds):
    with pytest.raises(TimelineError, match="'seconds' of the recording of a timeline has an impossible value"):
        Source("a.wav", seconds=seconds)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task", 1), ("labels", ["a", 1]), ("labels", "ab"), ("model", ["m"]), ("model", {"name": 1}),
        ("settings", []), ("notes", "ab"), ("synthetic", 0), ("recording", {"file": 1}),
    ],
)  # fmt: skip
def test_impossible_fields_of_a_document(field, value):
    tree = Timeline((Turn(0, 1),), Source("a.wav"), "emotion", ("a", "b")).to_dict()
    with pytest.raises(TimelineError, match="impossible value"):
        Timeline.from_dict(tree | {field: value})


@pytest.mark.parametrize(
    ("turns", "labels"),
    [
        ((Turn(0, 9e6),), ("joy", "anger")),
        ((Turn(0, 9e6, other_tasks={"mood": {str(n): 0.5 for n in range(9)}}),), ()),
        ((Turn(0, 2000),) * 9000, ("joy",)),
    ],
)
def test_a_short_document_cannot_claim_a_curve_that_fills_the_memory(turns, labels):
    timeline = Timeline(turns, Source("a.wav"), "emotion", labels)
    with pytest.raises(TimelineError, match="too large for its curve; cut the recording into parts"):
        timeline.to_json()


@pytest.mark.parametrize(
    "times", [(1, 1), (2, 1), (-1, 1), (0, float("inf")), (float("nan"), 1), (None, 1), (1, None)]
)
def test_impossible_times(times):
    with pytest.raises(TimelineError):
        Turn(*times)
