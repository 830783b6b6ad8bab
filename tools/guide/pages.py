"""Links of the Markdown in the repository as links between the pages of a site."""

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from navigation import DOCS, HOME, Page, make_page

LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!\w+:)([^)\s#]*)(#[^)\s]*)?\)")
"""A link to a file or an anchor: image or not, label, path, anchor."""


def rewrite_links(text: str, page: Page, pages: list[Page]) -> str:
    """Return Markdown whose links lead to pages of the site; the label alone where the site has no such page."""
    by_source = {one.source.resolve(): one for one in pages}

    def replace(match: re.Match[str]) -> str:
        image, label, path, anchor = match[1], match[2], match[3], match[4] or ""
        if not path:
            return match[0]
        target = (page.source.parent / path).resolve()
        here = Path(page.path).parent
        if target in by_source:
            return f"{image}[{label}]({os.path.relpath(by_source[target].path, here)}{anchor})"
        if target.is_relative_to(DOCS / "figures"):
            return f"{image}[{label}]({os.path.relpath(target.relative_to(DOCS), here)})"
        other = _page_of_other_site(target, page)
        return label if other is None else f"[{label}]({os.path.relpath(other, here)}{anchor})"

    return "".join(
        part if part.startswith("```") else LINK.sub(replace, part)
        for part in re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    )


def _page_of_other_site(target: Path, page: Page) -> Path | None:
    """Return the HTML page of another language that a source is, relative to the root of this site."""
    for language in {"en", "es"} - {page.language}:
        names = [path.relative_to(DOCS / language).with_suffix("") for path in [target]
                 if target.is_relative_to(DOCS / language)]  # fmt: skip
        if target.is_relative_to(DOCS / "decisions"):
            names = [Path("decisions", "index" if target.stem == "README" else target.stem)]
        if names:
            return Path("..", language, names[0]).with_suffix(".html")
    if target.name.startswith("README"):
        other = "es" if page.language == "en" else "en"
        return Path("..", make_page("index", other).language, "index.html")
    return None


def link_translations(html: str, name: str, names: Mapping[str, Collection[str]]) -> str:
    """Return a page whose links to other languages lead to the same page there, not to the first one.

    Args:
        html: of the page.
        name: of the page.
        names: language → names of the pages that there are.
    """

    def replace(match: re.Match[str]) -> str:
        return f"/{match[1]}/{name}.html" if name in names[match[1]] else match[0]

    return re.sub(rf"/({'|'.join(names)})/{HOME}\.html(?=\" hreflang)", replace, html)
