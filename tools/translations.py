"""Update the translation catalogs from the sources: extract, keep translations, drop obsolete messages, compile.

A message whose English changes has to be translated again; nothing is fuzzy-matched. Untranslated messages are
printed and make the exit code 1. The files have no dates and no line numbers, so that an update without changes
writes the same bytes.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from sentir.i18n import LANGUAGES

PACKAGE = Path(__file__).parents[1] / "src" / "sentir"
LOCALES = PACKAGE / "i18n" / "locales"
SOURCE = "en"
_TEMPLATES = "report/templates/**.html"
_METHODS = [("**.py", "python"), (_TEMPLATES, "jinja2")]
_OPTIONS = {_TEMPLATES: {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}


class PlainCatalog(Catalog):
    """A catalog without dates and versions in its header."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """Name and value of each header."""
        return [
            ("Language", str(self.locale)),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit\n"),
        ]


def extract_messages() -> list[str]:
    """Return all messages marked with ``_`` or ``gettext_noop`` in sources and templates, sorted."""
    extracted = extract_from_dir(PACKAGE, _METHODS, _OPTIONS, keywords={"_": None, "gettext_noop": None})
    return sorted({str(message) for _file, _line, message, _comments, _context in extracted})


def catalog_path(code: str) -> Path:
    """Return the path of the catalog of the language ``code``."""
    return LOCALES / code / "LC_MESSAGES" / "sentir.po"


def refresh_catalog(code: str, messages: list[str]) -> Catalog:
    """Return a catalog of ``messages`` with the translations in the language's file."""
    old_catalog = Catalog(locale=code)
    if catalog_path(code).is_file():
        with catalog_path(code).open("rb") as file:
            old_catalog = read_po(file, locale=code)
    comment = "# What a user of Sentir reads; `make messages` refreshes this file and compiles it."
    catalog = PlainCatalog(locale=code, header_comment=comment, fuzzy=False)
    for message in messages:
        old = old_catalog.get(message)
        entry = catalog.add(message, old.string if old and not old.fuzzy else "")
        entry.flags.clear()  # messages have {placeholders}; babel takes "95 % of" for a printf format
    return catalog


def to_po(catalog: Catalog) -> bytes:
    """Return the catalog as text for translators."""
    buffer = BytesIO()
    write_po(buffer, catalog, width=0, no_location=True, sort_output=True)
    return buffer.getvalue()


def to_mo(catalog: Catalog) -> bytes:
    """Return the compiled catalog."""
    buffer = BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def main() -> int:
    """Update and compile all catalogs; return 1 if a message is untranslated, else 0."""
    messages, missing = extract_messages(), 0
    for code in LANGUAGES:
        if code == SOURCE:
            continue
        catalog = refresh_catalog(code, messages)
        catalog_path(code).parent.mkdir(parents=True, exist_ok=True)
        catalog_path(code).write_bytes(to_po(catalog))
        catalog_path(code).with_suffix(".mo").write_bytes(to_mo(catalog))
        untranslated = [entry.id for entry in catalog if entry.id and not entry.string]
        print(f"{code}: {len(messages)} messages, {len(untranslated)} to translate")
        for message in untranslated:
            print(f"  {message!r}")
        missing += len(untranslated)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
