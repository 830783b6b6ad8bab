"""Every page of the guide is in the navigation, in both languages; every link leads to a page or a heading."""

import re
from urllib.parse import unquote

import pytest
from guide_pages import DOCS, LANGUAGES, READMES, pages, slugs, without_code
from navigation import DECISIONS, GENERATED, HOME, list_pages, read_navigation
from pages import rewrite_links

MAX_README_LINES = 200
SOURCES = [*READMES.values(), *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\((?!\w+:)([^)\s#]*)#?([^)\s]*)\)")


def test_both_languages_have_every_page_of_the_navigation_and_no_other():
    named = [name for section in read_navigation() for name in section.pages]
    assert len(named) == len(set(named))
    written = {name for name in named if name not in GENERATED and not name.startswith(DECISIONS)}
    for language in LANGUAGES:
        assert set(pages(language)) - {"README"} == written


def test_every_decision_is_in_the_navigation():
    names = {page.name for page in list_pages("en")}
    files = {path.stem for path in (DOCS / DECISIONS).glob("*.md")}
    assert {f"{DECISIONS}/{HOME if name == 'README' else name}" for name in files} <= names


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_page_has_a_placeholder(source):
    assert not re.search(r"\bTODO\b|\b[A-Z]+_TABLE\b", without_code(source.read_text(encoding="utf-8")))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_links_lead_to_files_and_headings(source):
    generated = {(DOCS / language / f"{name}.md").resolve() for language in LANGUAGES for name in GENERATED}
    for path, anchor in LINK.findall(without_code(source.read_text(encoding="utf-8"))):
        target = (source.parent / path).resolve() if path else source
        assert target.exists() or target in generated, path
        if anchor and target not in generated:
            assert unquote(anchor) in slugs(target.read_text(encoding="utf-8")), f"{path}#{anchor}"


@pytest.mark.parametrize("readme", READMES.values(), ids=lambda path: path.name)
def test_the_readme_is_short(readme):
    assert len(readme.read_text(encoding="utf-8").splitlines()) <= MAX_README_LINES


def test_links_are_rewritten_to_pages_of_the_site():
    page = next(one for one in list_pages("es") if one.name == HOME)
    text = (
        "[a](docs/es/meld.md#x) ![b](docs/figures/results.es.svg) [c](docs/decisions/mel.md) [d](Makefile) "
        "[e](https://arxiv.org) [f](README.md)\n```md\n[g](docs/es/meld.md)\n```\n"
    )
    assert rewrite_links(text, page, list_pages("es")) == (
        "[a](meld.md#x) ![b](figures/results.es.svg) [c](../en/decisions/mel.html) d [e](https://arxiv.org) "
        "[f](../en/index.html)\n```md\n[g](docs/es/meld.md)\n```\n"
    )
