"""The page of an audit: self-contained, in two languages, with all findings and tables."""

import re
from html.parser import HTMLParser

import pytest

from sentir.audit import audit
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.utterances import Issue, Utterance
from sentir.errors import SentirError
from sentir.i18n import LANGUAGES, use_language
from sentir.io import prepare_output_path
from sentir.report.audit_page import render_audit_page, save_audit_page

SPACE = SingleLabelSpace("emotion", ("joy", "neutral"))


def corpus(name="<mine> & $1$"):
    rows = [
        Utterance(
            f"{name}/{split}/{n}",
            split,
            f"{split}{n}",
            text=f"{split} <b>{n}</b>" if n else "same & same",
            labels={"emotion": (SPACE.names[n % 2],)},
            numeric_features={"duration": 1.0 + n / 10},
        )
        for split in ("train", "dev", "test")
        for n in range(12)
    ]
    return Corpus.build(name, rows, (SPACE,), issues=[Issue("odd", "problem", "<script>odd</script>", "row 1")])


def audits():
    found = {}
    for code in LANGUAGES:
        with use_language(code):
            found[code] = audit(corpus())
    return found


@pytest.fixture(scope="module")
def page():
    return render_audit_page(audits())


class Elements(HTMLParser):
    """The elements of a page."""

    def __init__(self, page):
        super().__init__()
        self.found, self.opened = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_the_page_is_self_contained_and_has_both_languages(page):
    elements = Elements(page).found
    assert [attrs["lang"] for tag, attrs in elements if tag == "main"] == list(LANGUAGES)
    assert not [attrs for tag, attrs in elements if tag in ("link", "img", "iframe") or "src" in attrs]
    assert not re.search(r"url\((?!#)|@import|https?://", page)
    ids = [attrs["id"] for _tag, attrs in elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    anchors = {attrs["href"].removeprefix("#") for tag, attrs in elements if tag == "a"}
    assert anchors <= set(ids)


def test_every_figure_has_an_alternative_text(page):
    figures = [attrs for tag, attrs in Elements(page).found if tag == "svg"]
    assert len(figures) == 3 * len(LANGUAGES)  # labels, lengths and words per second
    assert all(attrs["role"] == "img" and len(attrs["aria-label"]) > 20 for attrs in figures)
    assert any("half of the utterances below" in attrs["aria-label"] for attrs in figures)


def test_names_and_texts_of_a_corpus_are_escaped(page):
    assert "<script>odd" not in page and "&lt;script&gt;odd" in page
    assert "&lt;mine&gt; &amp; $1$" in page


def test_the_page_has_grade_findings_and_tables(page):
    report = audits()["en"]
    assert f"<b>{report.grade}</b>" in page
    for found in report.findings:
        assert found.message.split("<")[0].replace("'", "&#39;") in page
    assert all(f'id="en-{table.key}"' in page for table in report.tables)
    assert report.table("scored").rows[0]["scored"] in page


def test_a_path_that_cannot_be_written_raises_one_sentence(tmp_path):
    prepare_output_path(tmp_path / "new" / "audit.html")
    save_audit_page(audits(), tmp_path / "new" / "audit.html")
    assert (tmp_path / "new" / "audit.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    for impossible in (tmp_path / "new", tmp_path / "new" / "audit.html" / "below.html"):
        with pytest.raises(SentirError, match="cannot be written"):
            prepare_output_path(impossible)
