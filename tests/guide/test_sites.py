"""The built sites request nothing from elsewhere, and every page is reached from the first one."""

import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from guide_pages import LANGUAGES, TOOLS
from navigation import list_pages

import sentir

pytestmark = pytest.mark.slow
LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("link", "href")}


class Links(HTMLParser):
    """What a page loads, and the pages that it links to."""

    def __init__(self, path):
        super().__init__()
        self.loaded, self.linked = set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if (tag, name) in LOADED and value:
                self.loaded.add(value)
            if (tag, name) == ("a", "href") and value:
                self.linked.add(value.partition("#")[0])


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guide")
    subprocess.run([sys.executable, TOOLS, folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_site(sites, language):
    site = sites / language
    seen, queue = set(), [(site / "index.html").resolve()]
    while queue:
        path = queue.pop()
        if path in seen or path.suffix != ".html" or not path.is_relative_to(site):
            continue
        seen.add(path)
        links = Links(path)
        assert not [url for url in links.loaded if re.match(r"(\w+:)?//", url)], path.name
        assert all((path.parent / url).exists() for url in links.loaded if not url.startswith("data:")), path.name
        local = [url for url in links.linked if not re.match(r"\w+:", url) and url]
        assert all((path.parent / url).exists() for url in local), path.name
        queue += [(path.parent / url).resolve() for url in local]
    pages = list_pages(language)
    assert {site / f"{page.name}.html" for page in pages} <= seen
    assert all((site / page.path).exists() for page in pages)
    index = (site / "llms.txt").read_text(encoding="utf-8")
    assert index.startswith("# Sentir\n\n> ") and all(f"]({page.path})" in index for page in pages[1:])
    (other,) = {*LANGUAGES} - {language}
    assert f"../{other}/training.html" in Links(site / "training.html").linked  # the same page in the other one
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"url\(['\"]?(https?:)?//|@import", styles)
    reference = (site / "api.md").read_text(encoding="utf-8")
    assert all(f"\n## `sentir.{name}`\n" in reference for name in sentir.__all__ if name != "__version__")
    assert "<code>" not in reference and "](#" not in reference
    assert "## `POST /v1/emotions`" in (site / "http.md").read_text(encoding="utf-8")
    assert (site / "search.json").stat().st_size > 100_000
