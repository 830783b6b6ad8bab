"""Readability of a report: model names set apart, notes shown once, accessible tables."""

import re
from dataclasses import replace

from html_page import Page
from hypothesis import given
from hypothesis import strategies as st

from sentir.evaluation.metrics import METRICS_BY_KIND
from sentir.evaluation.results import Score
from sentir.i18n import use_language
from sentir.report import html
from sentir.report.html import bold_names
from sentir.report.markdown import render_markdown
from sentir.report.sentences import remark_sentences, scored_on_sentences
from sentir.report.task_sections import metric_column_groups, ordered_metrics, task_sections

NAME = "text: minilm + dialogue"


def renamed(report, name=NAME):
    """The report with its best model renamed."""
    return replace(
        report,
        scores=tuple(replace(row, model=name) if row.model == "gru" else row for row in report.scores),
        comparisons=tuple(replace(one, a=name) for one in report.comparisons),
        selected=dict.fromkeys(report.selected, name),
    )


def english(page):
    return page[page.index('<main lang="en"') :].split("</main>")[0]


def rows_of(report, split="dev"):
    (section,) = task_sections(report)
    return getattr(section, f"{split}_rows")


# Names


def test_model_names_are_set_apart_in_sentences_on_the_page_and_in_markdown(make_plain_report):
    report = renamed(make_plain_report())
    page = english(html.render_report(report))
    assert f'<b class="name">{NAME}</b> is better than <b class="name">majority class</b> by 29.8 points' in page
    assert f'<b class="name">{NAME}</b>, selected on dev, reaches' in page
    assert f"“{NAME}” is better than “majority class” by 29.8 points" in render_markdown(report)
    with use_language("es"):
        assert f"«{NAME}» supera a «clase mayoritaria»" in render_markdown(report)


def test_a_bold_name_is_escaped():
    assert str(bold_names("“<i>a</i>” & «b»")) == (
        '<b class="name">&lt;i&gt;a&lt;/i&gt;</b> &amp; <b class="name">b</b>'
    )


# Notes


def test_a_note_on_all_models_is_shown_once_without_names(make_plain_report):
    rows = [replace(row, notes=("synthetic corpus",)) for row in rows_of(make_plain_report())]
    assert len(rows) == 3 and remark_sentences(rows) == ("synthetic corpus",)


def test_a_note_on_some_models_is_shown_once_with_their_names(make_plain_report):
    gru, plain, majority = rows_of(make_plain_report())
    noted = [replace(row, notes=("random weights: audio",)) for row in (gru, plain)]
    assert remark_sentences([*noted, majority]) == ("“gru”, “plain”: random weights: audio",)


def test_what_holds_for_all_rows_and_comparisons_is_shown_once(make_plain_report):
    report = make_plain_report()
    rows = tuple(replace(row, num_clusters=8) for row in report.scores)
    comparisons = tuple(replace(report.comparisons[0], b=f"other {n}") for n in range(3))
    page = Page(html.render_report(replace(report, scores=rows, comparisons=comparisons))).text()
    section = page[page.index("Test results") : page.index("Dev results")]
    assert section.count("Based on only 8 dialogues") == 1
    assert section.count("c0ffee") == 1
    assert section.count("utterances in 280 dialogues") == 1


def test_models_scored_on_different_utterances_are_named(make_plain_report):
    first, *others = rows_of(make_plain_report())
    assert scored_on_sentences([first, *others]) == ("Scored on 2\u202f610 utterances (c0ffee).",)
    sentences = scored_on_sentences([replace(first, ids_hash="dead"), *others])
    assert sentences[0] == "“gru”: scored on 2\u202f610 utterances (dead)."
    assert sentences[1] == "“plain”, “majority class”: scored on 2\u202f610 utterances (c0ffee)."
    assert sentences[2].endswith("do not compare them.")


# Tables


def test_every_wide_table_scrolls_with_the_keyboard_and_has_a_label(page):
    regions = [a for _tag, a in Page(page).tags if a.get("class") == "scroll"]
    assert len(regions) > 20
    assert all(a["role"] == "region" and a["tabindex"] == "0" and a["aria-label"] for a in regions)
    assert page.count('<p class="hint" aria-hidden="true">') == len(regions)
    outside = re.sub(r'<div class="scroll".*?</div>', "", page, flags=re.S)
    assert all("gold" in table for table in re.findall(r"<table.*?</table>", outside, re.S)), "only examples'"


@given(st.integers(1, 40))
def test_score_tables_have_every_metric_once_and_fit_the_page(make_report, n):
    row = make_report().scores[0]
    rows = [replace(row, metrics={f"m{k}": Score(0.5) for k in range(n)})]
    groups = metric_column_groups(rows, "m0")
    assert [name for group in groups for name in group] == ordered_metrics(rows, "m0")
    assert max(map(len, groups)) <= 8 and groups[0][0] == "m0"
    assert len(groups) == -(-n // 8)


def test_every_model_has_a_row_in_every_table_of_its_scores(make_plain_report):
    report = make_plain_report()
    names = {name for kind in METRICS_BY_KIND.values() for name in (*kind.count_metrics, *kind.ranking_metrics)}
    many = {name: Score(0.5) for name in sorted(names - report.scores[0].metrics.keys())[:19]}
    rows = tuple(replace(row, metrics={**row.metrics, **many}) for row in report.scores)
    page = english(html.render_report(replace(report, scores=rows)))
    tables = re.findall(r'aria-label="Scores of meld, emotion, on dev \(\d\)".*?</table>', page, re.S)
    assert len(tables) == 3
    for table in tables:
        assert re.findall(r'<th scope="row">([^<]+)', table) == ["gru", "plain", "majority class"]


# Headings


def test_headings_are_the_words_of_the_field(page):
    found = re.findall(r"<h[234][^>]*>([^<]+?)\s*<", english(page))
    assert {"Test results", "Dev results (model selection)", "Per-class results", "Comparisons"} <= set(found)
    assert "<b>Confusion matrix</b>" in page
