"""Every kind of issue that a reader lists has a display name."""

import re
from pathlib import Path

import sentir
from sentir.display_names import ISSUE_NAMES, issue_name
from sentir.i18n import set_language

PACKAGE = Path(sentir.__file__).parent


def issue_kinds():
    files = [path for folder in ("readers", "files") for path in (PACKAGE / folder).rglob("*.py")]
    found = set(re.findall(r'Issue\(\s*"(\w+)"', "\n".join(path.read_text(encoding="utf-8") for path in files)))
    for path in (PACKAGE / "readers" / "defects").glob("*.json"):
        found |= set(re.findall(r'"kind": "(\w+)"', path.read_text(encoding="utf-8")))
    return found


def test_issue_kinds_and_their_names_match():
    found = issue_kinds()
    assert len(found) > 30
    assert found == set(ISSUE_NAMES)


def test_names_are_in_the_current_language_and_an_unknown_kind_keeps_its_key():
    set_language("es")
    assert issue_name("label_missing") == "sin etiqueta"
    set_language("en")
    assert issue_name("label_missing") == "no label"
    assert issue_name("of_a_plugin") == "of_a_plugin"
