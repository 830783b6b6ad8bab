"""The Markdown of the guide: its pages, code blocks, links and headings; and the tools that build its sites."""

import re
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LANGUAGES = ("en", "es")
READMES = {"en": ROOT / "README.md", "es": ROOT / "README.es.md"}
TOOLS = ROOT / "tools" / "guide"
for folder in (TOOLS, TOOLS / "reference"):
    sys.path.append(str(folder))

_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A code block: its page without suffix, its language and its text."""

    page: str
    language: str
    text: str


def pages(language):
    """The pages of a language with their README, by name."""
    return {"README": READMES[language]} | {path.stem: path for path in sorted((DOCS / language).glob("*.md"))}


def blocks(language):
    """The code blocks of all pages of a language."""
    return [
        Block(name, kind, text)
        for name, path in pages(language).items()
        for _indent, kind, text in _FENCE.findall(path.read_text(encoding="utf-8"))
    ]


def commands(block):
    """The lines of a shell block, with continued lines joined."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def without_code(text):
    """Markdown without its code."""
    return re.sub(r"`[^`\n]+`", "`code`", _FENCE.sub("", text))


def slugs(text):
    """The anchors of the headings, as GitHub and the sites make them."""
    found = []
    for heading in re.findall(r"^#{1,6} +(.+?) *$", _FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.append(slug)
    return found
