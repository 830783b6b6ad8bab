"""Cleaning shown step by step: the counts are true, and the corpus stays as it is."""

import pytest
from cleaning_texts import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.corpus.cleaning import CLEANING_STEPS, THESIS_CLEANING, clean_text
from sentir.corpus.cleaning_report import CLEANING_PRESETS, trace_cleaning
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import Utterance
from sentir.errors import UnknownNameError
from sentir.recipe import DEFAULT_CLEANING


def corpus(*texts):
    rows = [Utterance(f"c/{n}", "train", text=text) for n, text in enumerate(texts)]
    return Corpus.build("c", rows, [LabelSpace("emotion", ("joy",))])


def test_each_step_counts_what_it_changes_and_empties():
    found = trace_cleaning(corpus("The THE", "(uhh)", " ", "fine", None), ["drop_noise_annotations", "lowercase"])
    assert found.num_texts == 4
    assert [(e.step, e.changed, e.emptied) for e in found.effects] == [
        ("drop_noise_annotations", 1, 1),
        ("lowercase", 1, 0),
    ]


def test_examples_show_steps_that_others_do_not_and_are_no_more_than_asked_for():
    texts = ("fine", "A", "A (b)", "no no", "B")
    steps = ["lowercase", "drop_parentheses", "collapse_repeats"]
    found = trace_cleaning(corpus(*texts), steps, examples=2)
    assert [walk.texts[0] for walk in found.examples] == ["A (b)", "no no"]
    assert found.examples[0].texts == ("A (b)", "a (b)", "a  ", "a  ")
    assert trace_cleaning(corpus(*texts), steps, examples=0).examples == ()
    everything = trace_cleaning(corpus(*texts), steps, examples=9).examples
    assert {walk.texts[0] for walk in everything} == set(texts) - {"fine"}


@given(texts=st.lists(TEXTS, max_size=4), steps=st.lists(st.sampled_from(list(CLEANING_STEPS)), max_size=4))
@settings(max_examples=60)
def test_a_walk_ends_where_cleaning_does(texts, steps):
    found = trace_cleaning(corpus(*texts), steps, examples=9)
    for walk in found.examples:
        assert walk.texts[-1] == clean_text(walk.texts[0], steps)
        assert len(walk.texts) == len(steps) + 1
    assert sum(e.emptied for e in found.effects) <= len(texts)


@given(text=TEXTS, one=st.lists(st.sampled_from(list(CLEANING_STEPS)), max_size=3), cut=st.integers(0, 3))
@settings(max_examples=60)
def test_a_chain_is_its_parts_one_after_the_other(text, one, cut):
    assert clean_text(clean_text(text, one[:cut]), one[cut:]) == clean_text(text, one)


@given(text=TEXTS)
@settings(max_examples=200)
def test_the_default_chain_changes_nothing_the_second_time(text):
    once = clean_text(text, DEFAULT_CLEANING)
    assert clean_text(once, DEFAULT_CLEANING) == once


def test_the_thesis_chain_is_one_that_does_change_a_text_twice():
    """Words come to stand side by side after its step for repeats; the thesis has this order, so it stays."""
    once = clean_text("That I did. That I did.", THESIS_CLEANING)
    assert once == "did did" and clean_text(once, THESIS_CLEANING) == "did"


def test_a_name_of_a_chain_stands_for_its_steps():
    found = trace_cleaning(corpus("Fine"), ["thesis"])
    assert tuple(effect.step for effect in found.effects) == CLEANING_PRESETS["thesis"] == THESIS_CLEANING
    mixed = trace_cleaning(corpus("Fine"), ["default", "lowercase"])
    assert [effect.step for effect in mixed.effects] == [*DEFAULT_CLEANING, "lowercase"]


def test_every_step_of_the_thesis_is_registered_and_an_unknown_one_is_named():
    assert set(THESIS_CLEANING) <= set(CLEANING_STEPS)
    with pytest.raises(UnknownNameError, match="did you mean lowercase"):
        trace_cleaning(corpus("Fine"), ["lower_case"])
