"""Build the guide as a site per language: ``python tools/guide [FOLDER]``, by default ``build/guide``.

The pages are the Markdown of ``docs`` in the order of ``docs/navigation.toml``, the README as the first page, and
the reference, which is generated. Beside each HTML page is its Markdown, and ``llms.txt`` lists all of them.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from navigation import LANGUAGES, ROOT, Page, list_pages, read_navigation
from pages import link_translations, rewrite_links
from site_config import make_config

from sentir.recipe.toml import dump_toml

DEFAULT_FOLDER = ROOT / "build" / "guide"


def build(language: str, folder: Path) -> None:
    """Build the site of a language in ``folder/language``."""
    source, site = folder / "source" / language, folder / language
    shutil.rmtree(source, ignore_errors=True)
    pages = list_pages(language)
    for page in pages:
        path = source / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rewrite_links(page.read_text(), page, pages), encoding="utf-8")
    shutil.copytree(ROOT / "docs" / "figures", source / "figures")
    config = folder / f"{language}.toml"
    config.write_text(
        dump_toml(make_config(language, source.relative_to(folder), site.relative_to(folder), pages)),
        encoding="utf-8",
    )
    subprocess.run([sys.executable, "-m", "zensical", "build", "--strict", "--clean", "-f", config], check=True)
    names = {one: {page.name for page in list_pages(one)} for one in LANGUAGES}
    for page in pages:
        shutil.copyfile(source / page.path, site / page.path)
        html = (site / page.path).with_suffix(".html")
        html.write_text(link_translations(html.read_text(encoding="utf-8"), page.name, names), encoding="utf-8")
    (site / "404.html").unlink()  # it looks for its style at the root of the host
    (site / "llms.txt").write_text(make_llms_text(language, pages), encoding="utf-8")


def make_llms_text(language: str, pages: list[Page]) -> str:
    """Return the index of the Markdown pages by https://llmstxt.org."""
    by_name = {page.name: page for page in pages}
    lines = ["# Sentir", "", f"> {next(iter(pages)).summary}", ""]
    for section in read_navigation():
        links = [f"- [{by_name[name].title}]({by_name[name].path})" for name in section.pages if name in by_name]
        lines += [f"## {section.title[language]}", "", *links, ""]
    return "\n".join(lines)


def main() -> None:
    """Build both sites."""
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else DEFAULT_FOLDER
    for language in LANGUAGES:
        build(language, folder)
        print(folder / language / "index.html")


if __name__ == "__main__":
    main()
