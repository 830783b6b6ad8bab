"""The pages: whole by themselves, in two languages, and readable without color."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_corpora import tiny_recipe

from sentir import i18n
from sentir.corpus.labels import LabelSpace
from sentir.errors import SentirError
from sentir.evaluation.results import Comparison, Score
from sentir.explanation.page import (
    loss_sentence,
    render_explanation,
    render_model_explanation,
    save_explanation,
    signed,
)
from sentir.explanation.results import (
    MAPS,
    Explanation,
    Importance,
    ModelExplanation,
    Passage,
    Randomized,
    SoundMap,
    Withheld,
    Word,
    WordMap,
)


@pytest.fixture(scope="module")
def answer():
    own = (Word("I", -0.4), Word("love", 1.5), Word("<b>this</b>", 0.05), Word("!", 0.3, glued=True))
    passages = (Passage("d/0", "Ana", "before", (Word("Oh", 0.1),)), Passage("d/1", None, "own", own))
    maps = {name: np.random.default_rng(0).random((4, 2)).astype(np.float32) for name in MAPS}
    sound = SoundMap(np.random.default_rng(1).normal(-60, 20, (90, 64)).astype(np.float32), maps, padded=100)
    return Explanation(
        id="d/1", text="I love <b>this</b>!", speaker=None, model="tiny", task="emotion", label="joy",
        is_number=False, score=1.2, labels=("joy",), probabilities={"joy": 0.77, "sadness": 0.23},
        gold=("sadness",), synthetic=True,
        words=WordMap(passages, without=-0.35, delta=0.004, steps=16, token="<mask>"), sound=sound,
        checks=(Randomized("words", "head", 0.1, 3), Randomized("evidence", "whole", -0.8, 3)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def model():
    comparison = Comparison(
        "all", "without text", "tiny", "emotion", "dev", "weighted_f1", 0.3, 0.2, 0.4, 0.001, 0.002, 99, 40
    )
    rows = tuple(Importance(f"lexical.{n}", 1, 0.01 * (20 - n), -0.01, 0.3, 0.002) for n in range(20))
    return ModelExplanation(
        "tiny", "tiny", "emotion", "weighted_f1", Score(0.6, 0.5, 0.7), 99, 40, False,
        (Withheld("text", "train_mean", 0.3, comparison),),
        (Importance("lexical", 20, 0.2, 0.1, 0.3, 0.01),), rows,
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(answer):
    return render_explanation(answer)


def test_a_page_loads_nothing_and_lets_no_markup_in(page, model):
    for one in (page, render_model_explanation(model)):
        assert not re.search(r'(?:src|href)="(?!data:|#)|url\((?!#)|@import', one)
        assert one.count("<main") == len(i18n.LANGUAGES) and 'lang="es"' in one
        ids = re.findall(r'\sid="([^"]+)"', one)
        assert len(ids) == len(set(ids))
    assert "<b>this</b>" not in page and "&lt;b&gt;this&lt;/b&gt;" in page and "SYNTHETIC" in page


def test_words_tell_their_sign_without_color(page):
    english = page[page.index('<main lang="en"') :].split("</main>")[0]
    assert '<span class="word for loud">love<sub>+1.50</sub></span>' in english
    assert '<span class="word against heard">I</span>' in english
    assert "solid line below" in english and "dashed line above" in english
    table = english[english.index("All words") :]
    assert table.index(">love<") < table.index(">I<") < table.index(">!<")
    assert "this&lt;/b&gt;<span" in english, "what follows without a space is written so"


def test_figures_have_words_for_those_who_cannot_see_them(page):
    labels = re.findall(r'<svg[^>]*aria-label="([^"]+)"', page)
    assert len(labels) == 2 * len(MAPS) and all("highest" in label for label in labels[:3])


def test_the_sanity_check_is_read_out(page):
    assert "random weights give another map" in page and "reflects the input rather than what was learned" in page


def test_an_answer_without_words_sound_or_checks_is_a_page_too(answer):
    bare = replace(
        answer, words=None, sound=None, checks=(), gold=None, is_number=True, label="sentiment", probabilities={}
    )
    page = render_explanation(bare)
    assert "The model predicts 1.20" in page and "<svg" not in page


def test_a_loss_is_said_with_its_interval(model):
    (one,) = model.withheld
    said = loss_sentence(model, one)
    assert (
        said == "Without text, weighted F1 is 0.300: +30.0 points lost (95 % interval +20.0 to +40.0, p = 0.002)."
    )
    error = replace(one, comparison=replace(one.comparison, difference=-0.3, low=-0.4, high=-0.2))
    said = loss_sentence(replace(model, metric="mae"), error)
    assert "+0.300 lost (95 % interval +0.200 to +0.400" in said
    assert "12 of 20 features" in render_model_explanation(model)


def test_signs_are_written_and_zero_has_none():
    assert [signed(v) for v in (1.234, -1.234, 0.001, -0.001)] == ["+1.23", "−1.23", "0.00", "0.00"]


def test_the_card_of_the_model_stands_on_both_pages_and_says_what_is_missing(answer, model, weights):
    facts = {
        "corpus": "tiny", "synthetic": False, "fingerprint": "c0ffee", "best_epoch": 2.0,
        "curve": [{"epoch": 3}], "versions": {"sentir": "1"},
    }  # fmt: skip
    recognizer = SimpleNamespace(
        recipe=tiny_recipe(weights), space=LabelSpace("emotion", ("joy", "sadness")), facts=facts
    )
    for page in (render_explanation(answer, recognizer), render_model_explanation(model, recognizer)):
        english = page[page.index('<main lang="en"') :].split("</main>")[0]
        for heading in ("What it is", "Intended use", "Data", "Training", "Scores", "Limits"):
            assert f"<h4>{heading}</h4>" in english
        assert "No scores were saved with this model." in english and "were not recorded" in english
        assert '<table class="narrow fixed">' in english
    assert "Model card" not in render_explanation(answer)


def test_a_page_that_cannot_be_written_says_so(model, tmp_path):
    with pytest.raises(SentirError, match="cannot be written"):
        save_explanation(model, tmp_path)
    save_explanation(model, tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size < 300_000
