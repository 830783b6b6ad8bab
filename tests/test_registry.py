"""Names → things, and the plug-in of one file."""

import pytest

from sentir.errors import SentirError, UnknownNameError
from sentir.i18n import in_language
from sentir.readers import READERS
from sentir.registry import Registry, load_plugin


def test_an_entry_written_as_a_path_is_imported_when_asked_for():
    registry = Registry("thing", {"dump": "json:dumps", "absent": "no_such_module:x"})
    assert registry.get("dump")([1]) == "[1]" and "absent" in registry and list(registry) == ["absent", "dump"]


def test_the_decorator_registers_and_returns_the_thing():
    registry = Registry("thing")

    @registry.register("one")
    def one():
        return 1

    assert registry.get("one") is one and one() == 1


def test_an_unknown_name_is_answered_with_the_nearest_and_the_known_ones():
    registry = Registry("thing", {"minilm": 1, "roberta-base": 2})
    with pytest.raises(
        UnknownNameError, match=r"'mini-lm'; did you mean minilm\?.*Known: minilm, roberta-base\."
    ):
        registry.get("mini-lm")
    with pytest.raises(UnknownNameError) as caught:
        registry.get("zzzz")
    assert "did you mean" not in str(caught.value)


def test_every_named_reader_can_be_imported():
    assert {"meld", "mosei", "table", "demo-meld", "demo-mosei"} <= set(READERS)
    assert all(callable(READERS.get(name)) for name in READERS)


def test_a_plugin_of_one_file_registers_on_load(tmp_path, monkeypatch):
    monkeypatch.setattr(READERS, "_entries", dict(READERS._entries))
    file = tmp_path / "mine.py"
    file.write_text("from sentir.readers import READERS\nREADERS.register('mine')(lambda root, data: 'read')\n")
    load_plugin(file)
    assert READERS.get("mine")(None, None) == "read"


def test_a_missing_plugin_is_one_sentence(tmp_path):
    with in_language("en"), pytest.raises(SentirError, match=r"none\.py does not exist"):
        load_plugin(tmp_path / "none.py")
