"""Every kind of issue that a reader lists has a name for people."""

import re
from pathlib import Path

import sentir
from sentir.display_names import ISSUE_NAMES, issue_name
from sentir.i18n import set_language

READERS = Path(sentir.__file__).parent / "readers"


def kinds_of_readers():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in READERS.rglob("*.py"))
    found = set(re.findall(r'Issue\(\s*"(\w+)"', sources))
    for path in (READERS / "defects").glob("*.json"):
        found |= set(re.findall(r'"kind": "(\w+)"', path.read_text(encoding="utf-8")))
    return found


def test_every_kind_has_words_and_no_word_is_left_over():
    found = kinds_of_readers()
    assert len(found) > 30
    assert found == set(ISSUE_NAMES)


def test_words_are_in_the_current_language_and_a_strange_kind_keeps_its_key():
    set_language("es")
    assert issue_name("label_missing") == "sin etiqueta"
    set_language("en")
    assert issue_name("label_missing") == "no label"
    assert issue_name("of_a_plugin") == "of_a_plugin"
