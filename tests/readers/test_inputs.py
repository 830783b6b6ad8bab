"""Texts, tables and conversations from outside any corpus."""

import json

import pandas as pd
import pyarrow as pa
import pytest
from test_table_formats import save

from sentir.corpus.types import Clip
from sentir.errors import CorpusError
from sentir.readers.inputs import Columns, from_texts, read_inputs
from sentir.readers.needs import meet_needs


def read(path, content):
    path.write_text(content, encoding="utf-8")
    return read_inputs(path, Columns())


def read_with(path, content, columns):
    path.write_text(content, encoding="utf-8")
    return read_inputs(path, columns)


def test_texts_stand_alone_and_hold_nothing_but_characters():
    first, second = from_texts(["Hi.", "so \ud83d sad"])
    assert first.dialogue != second.dialogue and second.text == "so \ufffd sad"


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\u00ad \u2060\u200d", "\ufe0f", "\u200e\u200f"])
def test_a_text_without_words_is_refused(text):
    with pytest.raises(CorpusError, match=r"^The text is empty; give some words\.$"):
        from_texts(["Hi.", text])


def test_a_row_without_a_dialogue_is_no_turn_of_the_dialogue_called_like_its_number(tmp_path):
    rows = read(tmp_path / "t.csv", "text,dialogue\na,2\nb,\nc,2\n,\n")
    assert rows[0].dialogue == rows[2].dialogue and len({u.dialogue for u in rows}) == 3
    assert [(u.turn, u.text) for u in rows] == [(0, "a"), (0, "b"), (1, "c"), (0, "")]


def test_zero_is_a_speaker_and_a_dialogue_like_any_other(tmp_path):
    lines = [{"text": "a", "dialogue": 0, "speaker": 0}, {"text": "b", "dialogue": None, "speaker": ""}]
    first, second = read(tmp_path / "t.jsonl", "\n".join(map(json.dumps, lines)))
    assert (first.speaker, second.speaker) == ("0", None) and first.dialogue != second.dialogue


def test_objects_without_a_dialogue_are_one_conversation_in_order(tmp_path):
    rows = read(tmp_path / "t.jsonl", '{"text": "a"}\r\n\n{"text": "b"}\n')
    assert len({u.dialogue for u in rows}) == 1 and [u.turn for u in rows] == [0, 1]


def test_line_separators_within_a_json_string_end_no_line(tmp_path):
    (only,) = read(tmp_path / "t.jsonl", '{"text": "a\u2028b\x85c"}')
    assert only.text == "a\u2028b\x85c"


@pytest.mark.parametrize("column", ["text", "speaker"])
def test_half_a_character_is_refused_with_its_row(tmp_path, column):
    bad = json.dumps({"text": "x", column: "\ud83d"})
    with pytest.raises(CorpusError, match=r"t\.jsonl: row 2 cannot .*half a character"):
        read(tmp_path / "t.jsonl", json.dumps({"text": "\U0001f600"}) + "\n" + bad)


def test_numeric_cells_become_numbers_of_the_utterance(tmp_path):
    table = pd.DataFrame(
        {"id": [1, 2], "text": ["5", "b"], "dialogue": [7, 7], "pitch": [1.5, None], "mood": ["joy", "inf"]}
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        assert [dict(u.numbers) for u in read_inputs(tmp_path / name, Columns())] == [{"pitch": 1.5}, {}]
    (line,) = read(tmp_path / "t.jsonl", '{"text": "a", "pitch": 2, "loud": true}')
    assert dict(line.numbers) == {"pitch": 2.0}


def test_what_a_recipe_reads_as_a_table_can_be_recognized(tmp_path):
    rows = [{"text": "a", "audio": "x.wav", "speaker": "7"}, {"text": "b", "audio": "", "speaker": ""}]
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame(rows).to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    pd.DataFrame(rows).to_parquet(tmp_path / "t.parquet")
    for name in ("t.jsonl", "t.ndjson"):
        (tmp_path / name).write_text("\n".join(map(json.dumps, rows)), encoding="utf-16")
    save(tmp_path / "saved", pa.Table.from_pylist(rows), features=None)
    for name in ("t.csv", "t.tsv", "t.parquet", "t.jsonl", "t.ndjson", "saved"):
        found = read_inputs(tmp_path / name, Columns())
        folder = tmp_path / name if name == "saved" else tmp_path
        assert [(u.text, u.speaker) for u in found] == [("a", "7"), ("b", None)], name
        assert [u.clip for u in found] == [Clip(folder / "x.wav"), None]
        together = name in ("t.jsonl", "t.ndjson")
        assert len({u.dialogue for u in found}) == (1 if together else 2)


def test_rows_of_invisible_characters_have_no_text_for_a_model_that_reads(tmp_path):
    texts = ["\u200b", "\u00ad", "\u2060 \u200d", "\ufe0f", "\u200e\u200f", "   ", '""', "\U0001f642", "Hi."]
    rows = read(tmp_path / "t.csv", "text\n" + "\n".join(texts) + "\n")
    _rows, problems = meet_needs(rows, frozenset({"text"}), kind="mel")
    assert list(problems) == [u.id for u in rows[:7]] and len(set(problems.values())) == 1


def test_dialogues_and_speakers_that_look_the_same_are_the_same(tmp_path):
    lines = "t\u200bext,speaker,season,scene\na,Ana,1,1\nb,An\u200ba,\u200e1,1\nc,\u200b,1,2\n"
    rows = read_with(tmp_path / "t.csv", lines, Columns(dialogue=("season", "scene")))
    assert [(u.text, u.speaker, u.turn) for u in rows] == [("a", "Ana", 0), ("b", "Ana", 1), ("c", None, 0)]
    assert [u.dialogue[-3:] for u in rows] == ["1/1", "1/1", "1/2"] and all(u.numbers == {} for u in rows)


def test_a_folder_of_clips_is_no_saved_dataset(tmp_path):
    (tmp_path / "a.wav").touch()
    assert [u.clip for u in read_inputs(tmp_path, Columns())] == [Clip(tmp_path / "a.wav")]
