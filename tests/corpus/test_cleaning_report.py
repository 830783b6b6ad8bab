"""The cleaning report: counts and examples."""

import pytest
from cleaning_texts import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.corpus.cleaning import CLEANING_STEPS, THESIS_CLEANING, clean_text
from sentir.corpus.cleaning_report import CLEANING_PRESETS, trace_cleaning
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.utterances import Utterance
from sentir.errors import UnknownNameError
from sentir.recipe import DEFAULT_CLEANING


def corpus(*texts):
    rows = [Utterance(f"c/{n}", "train", text=text) for n, text in enumerate(texts)]
    return Corpus.build("c", rows, [SingleLabelSpace("emotion", ("joy",))])


def test_each_step_counts_what_it_changes_and_empties():
    report = trace_cleaning(
        corpus("The THE", "(uhh)", " ", "fine", None), ["drop_noise_annotations", "lowercase"]
    )
    assert report.num_texts == 4
    assert [(e.step, e.changed, e.emptied) for e in report.effects] == [
        ("drop_noise_annotations", 1, 1),
        ("lowercase", 1, 0),
    ]


def test_examples_cover_different_steps_and_are_limited_in_number():
    texts = ("fine", "A", "A (b)", "no no", "B")
    steps = ["lowercase", "drop_parentheses", "collapse_repeats"]
    report = trace_cleaning(corpus(*texts), steps, examples=2)
    assert [trace.texts[0] for trace in report.examples] == ["A (b)", "no no"]
    assert report.examples[0].texts == ("A (b)", "a (b)", "a  ", "a  ")
    assert trace_cleaning(corpus(*texts), steps, examples=0).examples == ()
    everything = trace_cleaning(corpus(*texts), steps, examples=9).examples
    assert {trace.texts[0] for trace in everything} == set(texts) - {"fine"}


@given(texts=st.lists(TEXTS, max_size=4), steps=st.lists(st.sampled_from(list(CLEANING_STEPS)), max_size=4))
@settings(max_examples=60)
def test_a_trace_ends_with_the_cleaned_text(texts, steps):
    report = trace_cleaning(corpus(*texts), steps, examples=9)
    for trace in report.examples:
        assert trace.texts[-1] == clean_text(trace.texts[0], steps)
        assert len(trace.texts) == len(steps) + 1
    assert sum(e.emptied for e in report.effects) <= len(texts)


@given(text=TEXTS, one=st.lists(st.sampled_from(list(CLEANING_STEPS)), max_size=3), cut=st.integers(0, 3))
@settings(max_examples=60)
def test_steps_can_be_applied_in_parts(text, one, cut):
    assert clean_text(clean_text(text, one[:cut]), one[cut:]) == clean_text(text, one)


@given(text=TEXTS)
@settings(max_examples=200)
def test_default_cleaning_is_idempotent(text):
    once = clean_text(text, DEFAULT_CLEANING)
    assert clean_text(once, DEFAULT_CLEANING) == once


def test_thesis_cleaning_is_not_idempotent():
    """Later steps can make repetitions, after the step that drops them; the order is that of the thesis."""
    once = clean_text("That I did. That I did.", THESIS_CLEANING)
    assert once == "did did" and clean_text(once, THESIS_CLEANING) == "did"


def test_the_name_of_a_preset_stands_for_its_steps():
    report = trace_cleaning(corpus("Fine"), ["thesis"])
    assert tuple(effect.step for effect in report.effects) == CLEANING_PRESETS["thesis"] == THESIS_CLEANING
    mixed = trace_cleaning(corpus("Fine"), ["default", "lowercase"])
    assert [effect.step for effect in mixed.effects] == [*DEFAULT_CLEANING, "lowercase"]


def test_all_steps_of_the_thesis_are_registered_and_an_unknown_one_is_named():
    assert set(THESIS_CLEANING) <= set(CLEANING_STEPS)
    with pytest.raises(UnknownNameError, match="did you mean lowercase"):
        trace_cleaning(corpus("Fine"), ["lower_case"])
