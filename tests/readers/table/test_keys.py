"""Keys of a table: names without invisible characters, names from several columns, and turns."""

import json
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from table_reading import data, read, write

from sentir.errors import CorpusError, RecipeError
from sentir.recipe import Recipe
from sentir.recognizer.inputs import InputColumns, read_inputs
from sentir.table_inspection.inspection import inspect_table

PLAIN = [
    {"t": "a", "mood": "ira", "who": "Ni\u00f1o", "talk": "x", "room": "r1", "part": "train", "sex": "f"},
    {"t": "b", "mood": "joy", "who": "Ni\u00f1o", "talk": "x", "room": "r1", "part": "train", "sex": "f"},
    {"t": "c", "mood": "joy", "who": "Ana Ruiz", "talk": "y", "room": "r2", "part": "dev", "sex": "m"},
    {"t": "d", "mood": "ira", "who": "Ana Ruiz", "talk": "z", "room": "r3", "part": "test", "sex": "m"},
]
COLUMNS = {"text": "t", "speaker": "who", "dialogue": "talk", "slices": ("sex",), "id": "t"}
SPELLINGS = {
    "zero width space": lambda name: f"{name[:1]}\u200b{name[1:]}",
    "soft hyphen": lambda name: f"{name}\u00ad",
    "a direction mark": lambda name: f"\u200e{name}",
    "a variation selector": lambda name: f"{name}\ufe0f",
    "a byte order mark": lambda name: f"\ufeff{name}",
    "no-break spaces": lambda name: f"\xa0{name.replace(' ', chr(0xA0))}\u2007",
    "NFD": lambda name: unicodedata.normalize("NFD", name),
}


def kinds(corpus):
    return [issue.kind for issue in corpus.issues]


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("column", ["mood", "who", "talk", "room", "part", "sex"])
@pytest.mark.parametrize("normalize", [True, False])
def test_names_that_differ_only_in_invisible_characters_are_equal(tmp_path, column, spell, normalize):
    rows = [dict(row) for row in PLAIN]
    rows[1][column] = spell(rows[1][column])
    settings = COLUMNS | {"split": "part", "group": "room", "normalize": normalize}
    corpus = read(write(tmp_path / "t.csv", rows), **settings)
    expected = read(write(tmp_path / "t.csv", PLAIN), **settings)
    assert corpus.fingerprint == expected.fingerprint and corpus.label_spaces == expected.label_spaces
    assert corpus.groups == expected.groups and corpus.slices == expected.slices
    notes = [issue for issue in corpus.issues if issue.kind == "name_normalized"]
    if rows[1][column] == PLAIN[1][column]:  # an NFD of letters without accents
        assert not notes
    else:
        (note,) = notes
        assert note.severity == "note" and note.where == "t.csv" and ascii(rows[1][column]) in note.message


def test_a_recipe_may_spell_names_and_columns_otherwise(tmp_path):
    rows = [{("mo\u200bod" if key == "mood" else key): cell for key, cell in row.items()} for row in PLAIN]
    corpus = read(
        write(tmp_path / "t.csv", rows),
        **{"text": "t", "group": "room", "splits": {"dev": ["\u200er2"], "test": ["r3\u00ad"]}},
        names={"i\u200bra": "anger"},
        label="mood",
    )
    assert [u.split for u in corpus] == ["train", "train", "dev", "test"]
    assert corpus.label_space("emotion").names == ("anger", "joy")


def test_two_headings_that_look_the_same_are_not_matched(tmp_path):
    path = write(tmp_path / "t.csv", [{"t\u200b": "a", "\ufefft\u200d": "b", "mood": "joy"}])
    with pytest.raises(CorpusError, match="has no column 't'"):
        read(path, text="t")


def test_joiners_needed_by_a_script_or_an_emoji_distinguish_names(tmp_path):
    moods = [
        "\U0001f469\u200d\U0001f4bb",
        "\U0001f469\U0001f4bb",
        "\u0645\u06cc\u200c\u0631",
        "\u0645\u06cc\u0631",
    ]
    rows = [row | {"mood": mood} for row, mood in zip(PLAIN, moods, strict=True)]
    corpus = read(write(tmp_path / "t.csv", rows), normalize=False, text="t", split="part")
    assert set(corpus.label_space("emotion").names) == set(moods) and kinds(corpus) == []


def test_labels_in_lists_and_between_separators_are_normalized_too(tmp_path):
    for cell, options in (('["jo\\u200by", "ira"]', {}), ("jo\u200by |ira\u00ad", {"label_separator": "|"})):
        rows = [PLAIN[0] | {"mood": cell}, *(row | {"mood": "joy"} for row in PLAIN[1:])]
        corpus = read(write(tmp_path / "t.csv", rows), text="t", split="part", **options)
        assert corpus.label_space("emotion").names == ("anger", "joy")


def test_numbers_and_times_are_read_despite_invisible_characters(tmp_path):
    rows = [row | {"loud": f"\u200e1.5\u200b{n}", "sad": "true\u200b"} for n, row in enumerate(PLAIN)]
    corpus = read(write(tmp_path / "t.csv", rows), text="t", split="part", features=("loud",), labels=("sad",))
    assert [u.numeric_features["loud"] for u in corpus] == [1.5, 1.51, 1.52, 1.53] and kinds(corpus) == []


@pytest.mark.parametrize("text", ["\u200b", "\u00ad", "\u2060 \u200d", "\ufe0f", "\u200e\u200f", "   ", ""])
def test_a_text_of_only_invisible_characters_is_missing(tmp_path, text):
    rows = [PLAIN[0] | {"t": text}, *PLAIN[1:]]
    corpus = read(write(tmp_path / "t.csv", rows), text="t", split="part")
    assert [u.text for u in corpus] == [None, "b", "c", "d"]


SCENES = [
    {"s": "1", "e": "1", "c": "1", "mood": "joy", "who": "Ana", "k": "a", "part": "train"},
    {"s": "1", "e": "1", "c": "1", "mood": "joy", "who": "Bea", "k": "a", "part": "train"},
    {"s": "1", "e": "2", "c": "1", "mood": "joy", "who": "Ana", "k": "b", "part": "dev"},
    {"s": "", "e": "", "c": "", "mood": "joy", "who": "Ana", "k": "", "part": "test"},
]


def test_a_dialogue_a_speaker_and_a_group_may_be_several_columns(tmp_path):
    path = write(tmp_path / "t.csv", SCENES)
    corpus = read(path, dialogue=("s", "e", "c"), speaker=("k", "who"), group=("s", "e"), split="part")
    assert [u.dialogue for u in corpus] == ["t/1/1/1", "t/1/1/1", "t/1/2/1", "t/row4"]
    assert [u.turn for u in corpus] == [0, 1, 0, 0]
    assert [u.speaker for u in corpus] == ["a/Ana", "a/Bea", "b/Ana", "/Ana"]
    assert corpus.groups == {"s + e": {"t/row1": "1/1", "t/row2": "1/1", "t/row3": "1/2"}}


def test_splits_by_group_may_use_several_columns(tmp_path):
    rows = [{"s": str(n % 3), "e": str(n % 4), "mood": "joy"} for n in range(48)]
    corpus = read(write(tmp_path / "t.csv", rows), dialogue=("s", "e"), seed=1)
    split_of = {(u.dialogue, u.split) for u in corpus}
    assert len(split_of) == 12 and {split for _dialogue, split in split_of} == {"train", "dev", "test"}
    named = read(tmp_path / "t.csv", group=("s", "e"), splits={"dev": ["0/0"], "test": ["1/1"]})
    assert {n: sum(u.split == n for u in named) for n in ("train", "dev", "test")} == {
        "train": 40,
        "dev": 4,
        "test": 4,
    }


def test_columns_whose_joined_names_are_ambiguous_are_rejected(tmp_path):
    rows = [{"s": "1/2", "e": "3", "mood": "joy"}, {"s": "1", "e": "2/3", "mood": "joy"}]
    with pytest.raises(CorpusError, match=r"joining the columns s, e by '/' gives '1/2/3' for different cells"):
        read(write(tmp_path / "t.csv", rows), dialogue=("s", "e"))


@pytest.mark.parametrize("value", [3, [], ["a", 1], {"a": "b"}])
def test_columns_are_a_name_or_a_list_of_names(value):
    tree = {"name": "r", "data": {"reader": "table", "table": {"label": "mood", "dialogue": value}}}
    with pytest.raises(
        RecipeError, match=r"'data\.table\.dialogue' cannot be.*name a column, or several in a list"
    ):
        Recipe.parse(tree)


def test_a_recipe_with_several_columns_can_be_saved_and_loaded():
    recipe = Recipe.parse({"name": "r", "data": data(dialogue=("a", "b"), speaker="c").model_dump()})
    again = Recipe.parse(json.loads(json.dumps(recipe.to_dict())))
    assert again == recipe and again.digest() == recipe.digest()
    assert again.data.table.dialogue == ("a", "b") and again.data.table.speaker == "c"


def test_no_column_of_several_may_be_the_label_or_missing(tmp_path):
    path = write(tmp_path / "t.csv", SCENES)
    with pytest.raises(RecipeError, match=r"'data\.table\.dialogue' uses the label column 'mood'"):
        read(path, dialogue=("s", "mood"))
    with pytest.raises(CorpusError, match="has no column 'x'"):
        read(path, dialogue=("s", "x"))


@pytest.mark.parametrize(
    "lists", ['["Phoebe", "Monica"]', "['Monica', 'Phoebe']", '["Monica", "Phoebe", "Monica"]']
)
def test_several_speakers_in_a_list_are_joined(tmp_path, lists):
    rows = [SCENES[0] | {"who": "['Ross']"}, SCENES[1] | {"who": lists}, SCENES[2] | {"who": "[]"}, SCENES[3]]
    corpus = read(write(tmp_path / "t.csv", rows), speaker="who", split="part")
    assert [u.speaker for u in corpus] == ["Ross", "Monica & Phoebe", None, "Ana"]
    (note,) = [issue for issue in corpus.issues if issue.kind == "multiple_speakers"]
    assert ": 1;" in note.message and "'Monica & Phoebe'" in note.message and note.severity == "note"
    path = write(tmp_path / "p.csv", [row | {"text": "a"} for row in rows])
    inputs = read_inputs(path, InputColumns(speaker="who"))
    assert [one.utterance.speaker for one in inputs] == ["Ross", "Monica & Phoebe", None, "Ana"]


TALK = [
    {"d": "a", "n": "10", "t": "four", "mood": "joy"},
    {"d": "b", "n": "1", "t": "one", "mood": "joy"},
    {"d": "a", "n": "2.5", "t": "three", "mood": "joy"},
    {"d": "a", "n": "-1", "t": "first", "mood": "joy"},
    {"d": "a", "n": "2", "t": "two", "mood": "joy"},
    {"d": "b", "n": "2", "t": "two", "mood": "joy"},
]


def in_train(rows):
    return [row | {"part": "train"} for row in rows]


def texts_in_order(corpus, dialogue):
    return [u.text for u in corpus.dialogues[dialogue].utterances]


def test_the_turn_column_orders_each_dialogue(tmp_path):
    path = write(tmp_path / "t.csv", in_train(TALK))
    columns = {"text": "t", "dialogue": "d", "split": "part"}
    corpus = read(path, **columns, turn="n")
    assert texts_in_order(corpus, "t/a") == ["first", "two", "three", "four"]
    assert texts_in_order(corpus, "t/b") == ["one", "two"]
    assert [u.text for u in corpus] == [row["t"] for row in TALK]
    (note,) = corpus.issues
    assert (note.kind, note.severity, note.where) == ("rows_reordered", "note", "t.csv")
    assert ": 1," in note.message
    assert texts_in_order(read(path, **columns), "t/a") == ["four", "three", "first", "two"]


def test_a_dialogue_with_an_invalid_turn_keeps_the_order_of_its_rows_and_is_reported(tmp_path):
    rows = in_train([TALK[0], TALK[2], TALK[3] | {"n": "?"}, TALK[5], TALK[1], {**TALK[0], "d": "", "n": ""}])
    corpus = read(write(tmp_path / "t.csv", rows), text="t", dialogue="d", split="part", turn="n")
    assert texts_in_order(corpus, "t/a") == ["four", "three", "first"] and texts_in_order(corpus, "t/b") == [
        "one",
        "two",
    ]
    issues = [(issue.kind, issue.severity, issue.where) for issue in corpus.issues]
    assert issues == [("turn_invalid", "problem", "t/row3"), ("rows_reordered", "note", "t.csv")]


def test_rows_with_the_same_turn_keep_their_order_and_are_reported(tmp_path):
    rows = in_train([TALK[0] | {"n": "1"}, TALK[2] | {"n": "1.0"}])
    corpus = read(write(tmp_path / "t.csv", rows), text="t", dialogue="d", split="part", turn="n")
    assert texts_in_order(corpus, "t/a") == ["four", "three"]
    assert [(issue.kind, issue.severity, issue.where) for issue in corpus.issues] == [
        ("turn_repeated", "warning", "t/row2")
    ]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(order=st.permutations(range(len(TALK))))
def test_with_a_turn_column_the_order_of_the_rows_does_not_matter(tmp_path, order):
    rows = in_train([TALK[n] for n in order])
    corpus = read(write(tmp_path / "t.csv", rows), text="t", dialogue="d", split="part", turn="n")
    assert texts_in_order(corpus, "t/a") == ["first", "two", "three", "four"]
    assert texts_in_order(corpus, "t/b") == ["one", "two"]


def test_turns_need_a_dialogue_and_must_not_be_labels(tmp_path):
    with pytest.raises(ValueError, match="'turn' orders the rows of a dialogue"):
        data(turn="n")
    with pytest.raises(RecipeError, match=r"'data\.table\.turn' uses the label column 'mood'"):
        read(write(tmp_path / "t.csv", TALK), turn="mood", dialogue="d")


def test_inspection_recognizes_numbers_within_dialogues_as_turns(tmp_path):
    rows = [
        {"text": f"What a day {n}", "emotion": ("joy", "anger", "fear")[n % 3], "dialogue": f"d{n // 3}",
         "Utterance_ID": str(2 - n % 3)}
        for n in range(30)
    ]  # fmt: skip
    settings = inspect_table(write(tmp_path / "t.csv", rows)).settings
    assert settings["turn"] == "Utterance_ID" and "id" not in settings
    repeated = [row | {"Utterance_ID": "1"} for row in rows[:-1]] + rows[-1:]
    assert "turn" not in inspect_table(write(tmp_path / "t.csv", repeated)).settings
