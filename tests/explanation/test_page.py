"""The pages of explanations: self-contained, in two languages, and readable without color."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_corpora import tiny_recipe

from sentir import i18n
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.errors import SentirError
from sentir.evaluation.results import Comparison, Score
from sentir.explanation.page import (
    describe_ablation,
    format_signed,
    render_explanation,
    render_model_explanation,
    save_explanation,
)
from sentir.explanation.results import (
    AUDIO_MAPS,
    Ablation,
    AudioAttribution,
    Explanation,
    FeatureImportance,
    ModelExplanation,
    Passage,
    RandomizationResult,
    TextAttribution,
    WordAttribution,
)


@pytest.fixture(scope="module")
def explanation():
    own = (
        WordAttribution("I", -0.4),
        WordAttribution("love", 1.5),
        WordAttribution("<b>this</b>", 0.05),
        WordAttribution("!", 0.3, follows_without_space=True),
    )
    passages = (Passage("d/0", "Ana", "before", (WordAttribution("Oh", 0.1),)), Passage("d/1", None, "own", own))
    maps = {name: np.random.default_rng(0).random((4, 2)).astype(np.float32) for name in AUDIO_MAPS}
    audio = AudioAttribution(
        np.random.default_rng(1).normal(-60, 20, (90, 64)).astype(np.float32), maps, num_padded_frames=100
    )
    return Explanation(
        id="d/1", text="I love <b>this</b>!", speaker=None, model="tiny", task="emotion", label="joy",
        is_regression=False, score=1.2, labels=("joy",), probabilities={"joy": 0.77, "sadness": 0.23},
        gold=("sadness",), synthetic=True,
        text_attribution=TextAttribution(passages, -0.35, 0.004, steps=16, baseline_token="<mask>"),
        audio_attribution=audio,
        sanity_checks=(
            RandomizationResult("words", "head", 0.1, 3), RandomizationResult("grad_cam", "all", -0.8, 3),
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def model():
    comparison = Comparison(
        "all", "without text", "tiny", "emotion", "dev", "weighted_f1", 0.3, 0.2, 0.4, 0.001, 0.002, 99, 40
    )
    rows = tuple(FeatureImportance(f"lexical.{n}", 1, 0.01 * (20 - n), -0.01, 0.3, 0.002) for n in range(20))
    return ModelExplanation(
        "tiny", "tiny", "emotion", "weighted_f1", Score(0.6, 0.5, 0.7), 99, 40, False,
        (Ablation("text", "train_mean", 0.3, comparison),),
        (FeatureImportance("lexical", 20, 0.2, 0.1, 0.3, 0.01),), rows,
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(explanation):
    return render_explanation(explanation)


def test_a_page_is_self_contained_and_escapes_markup(page, model):
    for one in (page, render_model_explanation(model)):
        assert not re.search(r'(?:src|href)="(?!data:|#)|url\((?!#)|@import', one)
        assert one.count("<main") == len(i18n.LANGUAGES) and 'lang="es"' in one
        ids = re.findall(r'\sid="([^"]+)"', one)
        assert len(ids) == len(set(ids))
    assert "<b>this</b>" not in page and "&lt;b&gt;this&lt;/b&gt;" in page and "SYNTHETIC" in page


def test_signs_of_words_are_visible_without_color(page):
    english = page[page.index('<main lang="en"') :].split("</main>")[0]
    assert '<span class="word for strong">love<sub>+1.50</sub></span>' in english
    assert '<span class="word against weak">I</span>' in english
    assert "solid line below" in english and "dashed line above" in english
    table = english[english.index("All words") :]
    assert table.index(">love<") < table.index(">I<") < table.index(">!<")
    assert "this&lt;/b&gt;<span" in english, "no space is added before it"


def test_figures_have_descriptions_for_screen_readers(page):
    labels = re.findall(r'<svg[^>]*aria-label="([^"]+)"', page)
    assert len(labels) == 2 * len(AUDIO_MAPS) and all("highest" in label for label in labels[:3])


def test_the_sanity_check_is_interpreted(page):
    assert "random weights give another map" in page and "reflects the input rather than what was learned" in page


def test_an_explanation_without_attributions_or_checks_has_a_page(explanation):
    bare = replace(
        explanation, text_attribution=None, audio_attribution=None, sanity_checks=(), gold=None,
        is_regression=True, label="sentiment", probabilities={},
    )  # fmt: skip
    page = render_explanation(bare)
    assert "The model predicts 1.20" in page and "<svg" not in page


def test_an_ablation_is_described_with_its_interval(model):
    (one,) = model.ablations
    assert describe_ablation(model, one) == (
        "Without text, weighted F1 is 0.300: +30.0 points lost (95% interval +20.0 to +40.0, p = 0.002)."
    )
    error = replace(one, comparison=replace(one.comparison, difference=-0.3, low=-0.4, high=-0.2))
    sentence = describe_ablation(replace(model, metric="mae"), error)
    assert "+0.300 lost (95% interval +0.200 to +0.400" in sentence
    assert "12 of 20 features" in render_model_explanation(model)


def test_numbers_have_a_sign_except_zero():
    assert [format_signed(v) for v in (1.234, -1.234, 0.001, -0.001)] == ["+1.23", "−1.23", "0.00", "0.00"]


def test_both_pages_have_the_model_card_which_lists_what_is_missing(explanation, model, weights):
    facts = {
        "corpus": "tiny", "synthetic": False, "fingerprint": "c0ffee", "best_epoch": 2.0,
        "history": [{"epoch": 3}], "versions": {"sentir": "1"},
    }  # fmt: skip
    recognizer = SimpleNamespace(
        recipe=tiny_recipe(weights), space=SingleLabelSpace("emotion", ("joy", "sadness")), facts=facts
    )
    for page in (render_explanation(explanation, recognizer), render_model_explanation(model, recognizer)):
        english = page[page.index('<main lang="en"') :].split("</main>")[0]
        for heading in ("What it is", "Intended use", "Data", "Training", "Scores", "Limitations"):
            assert f"<h4>{heading}</h4>" in english
        assert "No scores were saved with this model." in english and "were not recorded" in english
        assert '<table class="narrow fixed">' in english
    assert "Model card" not in render_explanation(explanation)


def test_a_page_that_cannot_be_written_is_an_error(model, tmp_path):
    with pytest.raises(SentirError, match="cannot be written"):
        save_explanation(model, tmp_path)
    save_explanation(model, tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size < 300_000
