"""Refresh the catalogues from the sources: extract, keep the translations, drop what is gone, compile.

A message whose English changes starts untranslated again; nothing is guessed. What is still to translate is
printed, and the exit code is then 1. The files hold no dates and no line numbers, so that a refresh without a
change writes the same bytes.
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
    """A catalogue whose header says only what readers of the file need: no dates, no versions."""

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
    """Return every message that the package's sources and templates mark with ``_`` or ``mark``, sorted."""
    found = extract_from_dir(PACKAGE, _METHODS, _OPTIONS, keywords={"_": None, "gettext_noop": None})
    return sorted({str(message) for _file, _line, message, _comments, _context in found})


def catalog_path(code: str) -> Path:
    """Return where the catalogue of the language ``code`` lies."""
    return LOCALES / code / "LC_MESSAGES" / "sentir.po"


def refresh_catalog(code: str, messages: list[str]) -> Catalog:
    """Return a catalogue of just these ``messages``, with the translations that the language's file has."""
    known = Catalog(locale=code)
    if catalog_path(code).is_file():
        with catalog_path(code).open("rb") as file:
            known = read_po(file, locale=code)
    comment = "# What a user of Sentir reads; `make messages` refreshes this file and compiles it."
    catalogue = PlainCatalog(locale=code, header_comment=comment, fuzzy=False)
    for message in messages:
        old = known.get(message)
        entry = catalogue.add(message, old.string if old and not old.fuzzy else "")
        entry.flags.clear()  # the sentences hold {names}; babel takes "95 % of" for an old-style format
    return catalogue


def to_po(catalogue: Catalog) -> bytes:
    """Return the text of the catalogue for translators."""
    buffer = BytesIO()
    write_po(buffer, catalogue, width=0, no_location=True, sort_output=True)
    return buffer.getvalue()


def to_mo(catalogue: Catalog) -> bytes:
    """Return the compiled catalogue that gettext reads."""
    buffer = BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def main() -> int:
    """Refresh and compile every catalogue; return 1 if a message has no translation, else 0."""
    messages, missing = extract_messages(), 0
    for code in LANGUAGES:
        if code == SOURCE:
            continue
        catalogue = refresh_catalog(code, messages)
        catalog_path(code).parent.mkdir(parents=True, exist_ok=True)
        catalog_path(code).write_bytes(to_po(catalogue))
        catalog_path(code).with_suffix(".mo").write_bytes(to_mo(catalogue))
        todo = [entry.id for entry in catalogue if entry.id and not entry.string]
        print(f"{code}: {len(messages)} messages, {len(todo)} to translate")
        for message in todo:
            print(f"  {message!r}")
        missing += len(todo)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
