"""Messages are one line of bounded length, whatever they quote."""

import pickle

import pytest

from sentir.errors import AudioError, CorpusError, RecipeError, SentirError
from sentir.recipe import Recipe


@pytest.mark.parametrize("error", [CorpusError("a\nb\r\nc\u2028d"), AudioError("empty", "a\nb\r\nc\u2028d")])
def test_a_message_is_one_line(error):
    assert str(error) == "a b c d" == str(pickle.loads(pickle.dumps(error)))  # noqa: S301


def test_an_excessive_value_is_cut_and_what_to_do_is_kept():
    message = str(SentirError(f"Bad: '{'x' * 10**5}'; write it again."))
    assert len(message) == 1500 and message.startswith("Bad: 'xxx") and message.endswith("x'; write it again.")


def test_a_long_value_of_a_recipe_is_cut():
    with pytest.raises(RecipeError, match=r"'train\.epochs' cannot be 'aaa.*: give a whole number") as caught:
        Recipe.parse({"name": "a", "data": {"reader": "table"}, "train": {"epochs": "a" * 10**5}})
    assert len(str(caught.value)) < 2000


def test_a_reader_that_is_no_name_is_one_sentence():
    with pytest.raises(RecipeError, match=r"'data\.(reader|table)'"):
        Recipe.parse({"name": "a", "data": {"reader": ["table"], "table": {}}})
