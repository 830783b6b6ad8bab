"""The pages of the guide: which there are, in which order, and where their Markdown comes from."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LANGUAGES = ("en", "es")
HOME = "index"
DECISIONS = "decisions"
GENERATED = ("api", "recipe-keys", "commands", "http")
"""Pages of the reference, which `reference` writes from the code."""


@dataclass(frozen=True)
class Section:
    """A part of the navigation: its title by language, and the names of its pages."""

    title: dict[str, str]
    pages: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """A page of a site.

    Attributes:
        name: its path in the site without suffix.
        source: its Markdown, or the page that links in generated Markdown are relative to.
        read_text: returns the Markdown.
    """

    name: str
    language: str
    source: Path
    read_text: Callable[[], str]

    @property
    def path(self) -> str:
        """Its path in the site."""
        return f"{self.name}.md"

    @property
    def title(self) -> str:
        """Its first heading."""
        return re.search(r"^# (.+)$", self.read_text(), re.MULTILINE)[1].replace("`", "")

    @property
    def summary(self) -> str:
        """Its first paragraph, on one line."""
        paragraphs = self.read_text().split("\n\n")
        return " ".join(next(text for text in paragraphs if text[0] not in "#*[!`|<").split())


def read_navigation() -> tuple[Section, ...]:
    """Return the sections of ``docs/navigation.toml``; ``decisions`` stands for the index and its pages."""
    tree = tomllib.loads((DOCS / "navigation.toml").read_text(encoding="utf-8"))
    sections = [Section(one["title"], tuple(one["pages"])) for one in tree["sections"]]
    index = (DOCS / DECISIONS / "README.md").read_text(encoding="utf-8")
    decisions = [f"{DECISIONS}/{name}" for name in re.findall(r"\]\(([\w-]+)\.md\)", index)]
    return (*sections, Section(tree["decisions"]["title"], (f"{DECISIONS}/{HOME}", *decisions)))


def list_pages(language: str) -> list[Page]:
    """Return the pages of a site in the order of the navigation; decisions are in the English one only."""
    names = [HOME, *(name for section in read_navigation() for name in section.pages)]
    return [
        make_page(name, language) for name in names if language == "en" or not name.startswith(f"{DECISIONS}/")
    ]


def make_page(name: str, language: str) -> Page:
    """Return a page by its name."""
    if name in GENERATED:
        return Page(name, language, DOCS / language / f"{name}.md", lambda: _generate(language)[name])
    if name == HOME:
        source = ROOT / ("README.md" if language == "en" else f"README.{language}.md")
    elif name.startswith(f"{DECISIONS}/"):
        source = DOCS / (f"{DECISIONS}/README.md" if name.endswith(HOME) else f"{name}.md")
    else:
        source = DOCS / language / f"{name}.md"
    return Page(name, language, source, lambda: source.read_text(encoding="utf-8"))


@cache
def _generate(language: str) -> dict[str, str]:
    """Return name → Markdown of the reference, written by a process whose language is set from its start."""
    script = Path(__file__).parent / "reference"
    done = subprocess.run(
        [sys.executable, script], stdout=subprocess.PIPE, check=True, env=os.environ | {"SENTIR_LANG": language}
    )
    return dict(json.loads(done.stdout))
