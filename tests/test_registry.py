"""Registries of named objects."""

import pytest

from sentir.errors import PluginError, UnknownNameError
from sentir.readers import READERS
from sentir.registry import Registry


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


def test_a_name_that_exists_is_refused():
    registry = Registry("reader", {"one": 1})
    with pytest.raises(PluginError, match=r"The reader 'one' of this program exists already: Sentir has"):
        registry.register("one")(2)
    registry.register("two")(2)
    with pytest.raises(PluginError, match=r"The reader 'two' of this program .*: this program has"):
        registry.register("two")(3)
    assert registry.get("one") == 1 and registry.get("two") == 2
