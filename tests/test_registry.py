"""Registries and plug-ins."""

import pytest

from sentir.errors import SentirError, UnknownNameError
from sentir.i18n import use_language
from sentir.readers import READERS
from sentir.registry import Registry, load_plugin


def test_an_entry_written_as_a_string_is_imported_on_first_use():
    registry = Registry("object", {"dump": "json:dumps", "absent": "no_such_module:x"})
    assert registry.get("dump")([1]) == "[1]" and "absent" in registry and list(registry) == ["absent", "dump"]


def test_the_decorator_registers_and_returns_the_object():
    registry = Registry("object")

    @registry.register("one")
    def one():
        return 1

    assert registry.get("one") is one and one() == 1


def test_the_message_for_an_unknown_name_has_the_nearest_and_the_known_ones():
    registry = Registry("object", {"minilm": 1, "roberta-base": 2})
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


def test_the_message_for_a_missing_plugin_is_one_sentence(tmp_path):
    with use_language("en"), pytest.raises(SentirError, match=r"none\.py does not exist"):
        load_plugin(tmp_path / "none.py")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("notes.txt", b"x = 1", r"does not end in \.py"),
        ("broken.py", b"def", "invalid syntax"),
        ("binary.py", b"\x00\xff\x01", "null byte|utf-8"),
        ("imports.py", b"import no_such_module", "no_such_module"),
    ],
)
def test_the_message_for_a_broken_plugin_has_path_and_reason(tmp_path, name, content, why):
    (tmp_path / name).write_bytes(content)
    with use_language("en"), pytest.raises(SentirError, match=rf"{name} cannot be loaded \(.*({why}).*\); "):
        load_plugin(tmp_path / name)


def test_an_exception_in_a_plugin_is_raised(tmp_path):
    (tmp_path / "mine.py").write_text("1 / 0")
    with pytest.raises(ZeroDivisionError):
        load_plugin(tmp_path / "mine.py")
