"""A report as files: its page has a maximum size, and Markdown and JSON have the same content."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from html_page import Page

from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.metrics.ranking import compute_ranking_curves
from sentir.i18n import use_language
from sentir.report import html
from sentir.report.markdown import render_markdown
from sentir.report.saving import JSON_FORMAT_VERSION, report_to_dict, save_report
from sentir.report.tables import comparison_table
from sentir.report.task_sections import comparison_groups, task_sections


@pytest.fixture(scope="module")
def report(make_report):
    return make_report({"meld": ("emotion",)})


@pytest.fixture(scope="module")
def with_curves(make_plain_report):
    draw = np.random.default_rng(0)
    truth, p = draw.integers(0, 3, 90), draw.dirichlet([1, 1, 1], 90)
    space = SingleLabelSpace("emotion", ("anger", "joy", "neutral"))
    names = {"model": "gru", "corpus": "meld"}
    dev, test = (
        compute_ranking_curves(AlignedRuns(space, truth, [(p, None)], ()), split=split, **names)
        for split in ("dev", "test")
    )
    return replace(make_plain_report(), label_curves=dev + test)


# How large a page is


def test_a_page_that_would_be_too_large_leaves_out_the_last_examples(make_plain_report, make_example):
    predictions = tuple(make_example(0).predictions[:2])
    examples = tuple(make_example(n, labels={"emotion": ("joy",)}, predictions=predictions) for n in range(4))
    whole = html.render_report(make_plain_report(examples=examples))
    assert "left out to keep" not in whole and len(whole.encode()) < html.MAX_PAGE_BYTES
    small = html.render_report(make_plain_report(examples=examples), max_bytes=len(whole.encode()) - 100)
    assert len(small.encode()) <= len(whole.encode()) - 100
    assert "utterance-0" in small and "utterance-3" not in small
    assert re.search(r"\d audio clips and their spectrograms are left out", small)
    smallest = html.render_report(make_plain_report(examples=examples), max_bytes=1)
    assert "data:audio" not in smallest and "4 audio clips and their spectrograms are left out" in smallest


# Navigation and descriptions


def test_the_table_of_contents_links_every_section(page):
    parsed = Page(page)
    contents = re.findall(r'<nav class="contents".*?</nav>', page, re.S)
    assert len(contents) == 2
    for language, nav in zip(("en", "es"), contents, strict=True):
        links = re.findall(r'href="#([^"]+)"', nav)
        assert {f"{language}-{name}" for name in ("corpora", "task1-test", "cards", "method")} <= set(links)
        assert set(links) <= set(parsed.ids())


def test_figures_have_descriptions(page):
    drawings = [a for tag, a in Page(page).tags if tag == "svg" and "aria-label" in a]
    assert drawings and all(a["role"] == "img" for a in drawings)
    described = [a["aria-describedby"] for a in drawings if "aria-describedby" in a]
    assert len(described) >= len(drawings) / 2 and set(described) <= set(Page(page).ids())


def test_label_curves_are_shown_on_test_and_dev(with_curves):
    page = html.render_report(with_curves)
    names = [a["aria-label"] for tag, a in Page(page).tags if tag == "svg" and "aria-label" in a]
    figures = ("ROC curves", "Precision–recall curves")
    assert {f"{what} of gru on {split}" for what in figures for split in ("dev", "test")} <= set(names)


# Comparisons


def test_comparisons_are_sorted_by_what_is_compared(report):
    one = report.comparisons[0]
    families = {"gru": "text", "plain": "text", "wide": "text", "spoken": "audio"}
    row = replace(report.scores[0], role="candidate", split="dev")
    rows = [replace(row, model=name, family=family) for name, family in families.items()]
    pairs = [("gru", "majority"), ("gru", "wide"), ("gru", "plain"), ("gru", "spoken")]
    settings = {
        ("meld", "gru"): {"model.context": "dialogue", "model.hidden_size": 8, "train.lr": 1},
        ("meld", "plain"): {"model.context": "none", "model.hidden_size": 8, "train.lr": 1},
        ("meld", "wide"): {"model.context": "dialogue", "model.hidden_size": 9, "train.lr": 2},
    }
    changed = replace(
        report, scores=tuple(rows), comparisons=tuple(replace(one, a=a, b=b, split="dev") for a, b in pairs),
        settings=settings,
    )  # fmt: skip
    (section,) = task_sections(changed)
    assert [row[0] for row in comparison_table(section).rows] == [
        "text ↔ audio",
        "model.context: dialogue ↔ none",
        "model.hidden_size, train.lr",
        "model vs. baseline",
    ]


def test_ablations_are_a_group_of_their_own(report):
    one = replace(report.comparisons[0], split="dev")
    pairs = [("gru", "gru − context"), ("gru", "plain"), ("plain", "slow")]
    (section,) = task_sections(replace(report, comparisons=tuple(replace(one, a=a, b=b) for a, b in pairs)))
    found = {title: [(c.a, c.b) for c in group] for title, group in comparison_groups(section)}
    assert found == {
        "Ablation on dev": [("gru", "gru − context")],
        "On dev: selected model vs. other candidates": [("gru", "plain")],
        "On dev: candidates that differ in one setting": [("plain", "slow")],
    }


# Markdown and JSON


def test_markdown_has_the_numbers_of_the_page(with_curves):
    text = render_markdown(with_curves)
    assert "# A study" in text and "“gru”, selected on dev, reaches weighted F1 0.612 \\[0.591, 0.634\\]" in text
    assert "- “gru” is better than “majority class” by 29.8 points" in text
    assert re.search(r"\| 29.84 \| \\\[27.70, 31.90\\\] \| [\d.]+ \| 0.0010 \|", text)
    assert "```toml\nname" in text and "Art. 5(1)(f)" in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert re.fullmatch(r"\|( (\\.|[^|\\])* \|)+", line)
    rows = [line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")]
    assert min(rows) >= 3


def test_json_has_everything_except_audio_and_spectrograms(make_report, make_example):
    report = make_report({"meld": ("emotion", "mood")}, examples=(make_example(),))
    tree = json.loads(json.dumps(report_to_dict(report), allow_nan=False))
    assert tree["format"] == JSON_FORMAT_VERSION
    assert len(tree["scores"]) == len(report.scores) and len(tree["comparisons"]) == len(report.comparisons)
    first = {"corpus": "meld", "task": "emotion", "model": "gru", "best_per_family": ["gru", "plain"]}
    assert tree["selected"][0] == first
    assert tree["examples"][0]["labels"] == {"emotion": ["joy"], "mood": ["calm"]}
    assert "wave" not in json.dumps(tree)


def test_a_saved_report_is_a_page_markdown_in_both_languages_and_json(make_plain_report, tmp_path):
    with use_language("es"):
        save_report(make_plain_report(titles={"es": "Un estudio"}), tmp_path / "report.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "report.es.md",
        "report.html",
        "report.json",
        "report.md",
    ]
    assert (tmp_path / "report.md").read_text(encoding="utf-8").startswith("# A study\n")
    assert (tmp_path / "report.es.md").read_text(encoding="utf-8").startswith("# Un estudio\n")
