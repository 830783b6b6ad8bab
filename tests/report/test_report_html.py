import re
import tomllib
from dataclasses import replace

import pytest
from html_page import Page

from sentir.errors import SentirError
from sentir.evaluation.results import Score
from sentir.recipe import Recipe, dump_toml
from sentir.report import saving
from sentir.report.formatting import format_duration, format_timestamp


def section(text, title):
    """Return the words of the English section that starts with ``title``."""
    words = Page(text).text()
    return words[words.index(title) :]


def test_the_page_is_one_file_that_loads_nothing(page):
    parsed = Page(page)
    assert parsed.links and all(link.startswith(("#", "data:image/png;", "data:audio/")) for link in parsed.links)
    assert "://" not in page and "@import" not in page
    assert not {tag for tag, _attributes in parsed.tags} & {"link", "iframe", "object"}
    assert len(page.encode()) < 2_000_000


def test_ids_are_unique_and_every_link_has_its_target(page):
    parsed = Page(page)
    ids = parsed.ids()
    assert len(set(ids)) == len(ids) and len(ids) > 20
    assert {link[1:] for link in parsed.links if link[0] == "#"} <= set(ids)


def test_every_sentence_of_the_page_is_translatable(page):
    """The fake Spanish marks what it translates; what is unmarked must be data, not prose."""
    data = re.compile(
        r"[\d\W_]*|Sentir|meld|demo|mood|meld · mood|gru|plain|majority|gru, majority|first look|second look|"
        r"A study|print-\w+|feedbeef|c0ffee|text_repaired: [\d\s]+|torch|my label|Zoe ·|utterance-\d|Oh <well>!|"
        r"2026-.* UTC|name = .*|[abnp]|a − b"
    )
    unquoted = re.sub('<b class="name">(.*?)</b>', r"\1", page)
    spanish = [(inside, text) for language, inside, text in Page(unquoted).texts if language == "es"]
    untranslated = [text for inside, text in spanish if "¡" not in text and not data.fullmatch(text)]
    assert len(spanish) > 200 and untranslated == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_current_language_is_shown_first_and_the_other_hidden(make_plain_report, render_page, language):
    text = render_page(make_plain_report(titles={"es": "Un estudio"}), language)
    mains = {a["lang"]: "hidden" in a for tag, a in Page(text).tags if tag == "main"}
    assert mains == {code: code != language for code in ("en", "es")}
    assert f"<title>{'Un estudio' if language == 'es' else 'A study'}</title>" in text
    assert f'<html lang="{language}">' in text


def test_names_with_markup_are_escaped(make_report, render_page):
    evil = "<script>alert('$x$')</script>"
    report = make_report({"meld": ("emotion",)})
    evil_report = replace(
        report,
        title=evil,
        corpora=(replace(report.corpora[0], name=evil, issues={evil: 1}),),
        scores=tuple(replace(row, corpus=evil, model=evil, notes=(evil,)) for row in report.scores),
        comparisons=tuple(replace(row, corpus=evil, a=evil) for row in report.comparisons),
        learning_curves=tuple(replace(curve, corpus=evil, model=evil) for curve in report.learning_curves),
        selected={(evil, "emotion"): evil},
        recipes={evil: {evil: evil}},
    )
    parsed = Page(render_page(evil_report))
    assert sum(tag == "script" for tag, _attributes in parsed.tags) == 1
    assert evil in parsed.text()


def test_numbers_in_the_page_are_those_of_the_results(page):
    words = section(page, "On the test split of meld")
    assert "gru , selected on dev, reaches weighted F1 0.612 [0.591, 0.634]" in words
    assert "mean of 3 trainings, with a standard deviation of 0.004" in words
    assert "The best baseline, majority class , reaches 0.314 [0.293, 0.336]" in words
    assert "gru is better than majority class by 29.8 points (95% interval 27.7 to 31.9, p = 0.001)." in words
    assert "gru selected on dev 0.612 [0.591, 0.634] ± 0.004 0.500" in words
    assert "majority class baseline 0.314 [0.293, 0.336] 0.500" in words
    assert "9\u202f989" in words and "1\u202f038" in words


def test_only_a_synthetic_corpus_is_marked_as_such(make_plain_report, render_page, page):
    assert "its scores say nothing about real speech" in Page(page).text()
    assert Page(page).text().count("SYNTHETIC") == 3  # summary, card, section
    words = Page(render_page(make_plain_report())).text()
    assert "SYNTHETIC" not in words and "real speech" not in words


def test_the_selected_model_is_marked_and_dev_is_sorted_best_first(page):
    words = section(page, "Dev results (model selection)")
    assert words.index("gru selected on dev") < words.index("plain") < words.index("majority class baseline")
    selected = [a for tag, a in Page(page).tags if tag == "tr" and "selected" in a.get("class", "")]
    assert len(selected) == 2 * 3 * 2  # two languages, three tasks, test and dev


def test_labels_thresholds_and_confusions_of_the_selected_model_are_shown(page):
    words = section(page, "meld mood")
    assert "threshold from dev" in words and "0.417" in words and "0.283" in words
    drawings = [a["aria-label"] for tag, a in Page(page).tags if tag == "svg" and "aria-label" in a]
    confusions = [name for name in drawings if name.startswith("Confusion matrix of gru on test")]
    assert len(confusions) == 2  # the two emotion tasks; several labels at once have none


def test_the_ledger_shows_how_often_when_and_why_test_was_evaluated(page):
    words = section(page, "Test labels are held out")
    assert "The test split of meld has been evaluated 2 times in total." in words
    assert "2026-02-02 10:00 UTC second look gru, majority class feedbeef" in words


def test_a_report_without_comparisons_curves_openings_or_recipes_renders(make_plain_report, render_page):
    text = render_page(make_plain_report(comparisons=(), learning_curves=(), openings=(), recipes={}))
    words = Page(text).text()
    assert (
        "No significance test compares the two." in words
        and "No test split was evaluated in this study." in words
    )
    assert "Learning" not in words and "Comparisons" not in words


def test_a_report_without_test_scores_says_so_and_shows_dev(make_plain_report, render_page):
    report = make_plain_report()
    dev = tuple(row for row in report.scores if row.split == "dev")
    words = Page(render_page(make_plain_report(scores=dev, comparisons=(), openings=()))).text()
    assert "The test split of meld was not evaluated for this task" in words
    assert "On dev, where it was selected, gru reaches weighted F1 0.632" in words
    assert "gru on dev." in words


def test_missing_and_undefined_metrics_are_dashes(make_plain_report, render_page):
    report = make_plain_report()
    rows = [
        r if r.role != "baseline" else replace(r, metrics={"accuracy": Score(float("nan"))})
        for r in report.scores
    ]
    words = Page(render_page(make_plain_report(scores=tuple(rows)))).text()
    assert "nan" not in words and "There is no baseline to compare it with." in words


def test_models_scored_on_different_utterances_get_a_warning(make_plain_report, render_page, page):
    rows = [replace(r, ids_hash="dead") if r.role == "selected" else r for r in make_plain_report().scores]
    warning = "not all scored on the same utterances"
    assert warning in Page(render_page(make_plain_report(scores=tuple(rows)))).text()
    assert warning not in Page(page).text()


def test_results_of_a_task_without_a_corpus_summary_raise(make_plain_report, render_page):
    report = make_plain_report()
    stray = replace(report.scores[0], task="mood")
    with pytest.raises(SentirError, match="'mood' of 'meld'"):
        render_page(replace(report, scores=(*report.scores, stray)))


def test_a_saved_report_is_utf8_and_its_folder_is_created(make_plain_report, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "render_report", lambda report: f"{report.title} ñ")
    saving.save_report(make_plain_report(), tmp_path / "new" / "report.html")
    assert (tmp_path / "new" / "report.html").read_bytes() == "A study ñ".encode()


def test_a_recipe_is_shown_as_toml_that_parses_to_itself():
    tree = Recipe.parse(
        {"name": "x", "data": {"reader": "meld"}, "study": {"candidates": {"a + ñ": {"train": {"lr": 1e-5}}}}}
    ).to_dict()

    def settled(node):
        values = {k: settled(v) if isinstance(v, dict) else v for k, v in node.items()}
        return {k: v for k, v in values.items() if v is not None and v != {}}

    assert settled(tomllib.loads(dump_toml(tree))) == settled(tree)


def test_times_and_durations_are_readable():
    assert format_timestamp("2026-02-03T13:05:09+01:00") == "2026-02-03 12:05 UTC"
    assert format_timestamp("2026-02-03T12:05:09") == "2026-02-03 12:05 UTC"
    assert (format_duration(252.3), format_duration(9.6)) == ("4 min 12 s", "10 s")
