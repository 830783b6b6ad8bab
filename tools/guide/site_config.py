"""The settings of Zensical for a site: nothing in its pages is requested from other hosts."""

from pathlib import Path
from typing import Any

from navigation import HOME, LANGUAGES, Page, read_navigation

NAMES = {"en": "English", "es": "Español"}
HOME_TITLES = {"en": "Start", "es": "Inicio"}
DESCRIPTIONS = {
    "en": "Emotion recognition from text and speech.",
    "es": "Reconocimiento de emociones en texto y voz.",
}
MODES = {
    "(prefers-color-scheme)": (None, "sun-moon", {"en": "Use the light theme", "es": "Usar el tema claro"}),
    "(prefers-color-scheme: light)": (
        "default",
        "sun",
        {"en": "Use the dark theme", "es": "Usar el tema oscuro"},
    ),
    "(prefers-color-scheme: dark)": ("slate", "moon", {"en": "Use the system's", "es": "Usar el del sistema"}),
}
GITHUB_SLUGS = {"object": "pymdownx.slugs.slugify", "kwds": {"case": "lower"}}
FEATURES = ["content.code.copy", "navigation.footer", "navigation.indexes", "navigation.top", "search.highlight"]


def make_config(language: str, source: Path, site: Path, pages: list[Page]) -> dict[str, Any]:
    """Return the configuration of a site."""
    return {
        "project": {
            "site_name": "Sentir",
            "site_description": DESCRIPTIONS[language],
            "docs_dir": str(source),
            "site_dir": str(site),
            "use_directory_urls": False,
            "nav": _make_navigation(language, pages),
            "theme": {
                "language": language,
                "font": False,
                "features": FEATURES,
                "palette": [_make_palette(media, language) for media in MODES],
            },
            "extra": {"generator": False, "alternate": [_make_alternate(one) for one in LANGUAGES]},
            "markdown_extensions": {
                "tables": {},
                "toc": {"permalink": True, "slugify": GITHUB_SLUGS},
                "pymdownx": {"highlight": {"anchor_linenums": False}, "superfences": {}},
            },
        }
    }


def _make_navigation(language: str, pages: list[Page]) -> list[dict[str, Any]]:
    by_name = {page.name: page for page in pages}
    found: list[dict[str, Any]] = [{HOME_TITLES[language]: f"{HOME}.md"}]
    for section in read_navigation():
        titled = [{by_name[name].title: by_name[name].path} for name in section.pages if name in by_name]
        if titled:
            found.append({section.title[language]: titled})
    return found


def _make_palette(media: str, language: str) -> dict[str, Any]:
    scheme, icon, names = MODES[media]
    chosen = {} if scheme is None else {"scheme": scheme}
    return {"media": media, **chosen, "toggle": {"icon": f"lucide/{icon}", "name": names[language]}}


def _make_alternate(language: str) -> dict[str, str]:
    return {"name": NAMES[language], "link": f"../{language}/index.html", "lang": language}
