"""Inputs for prediction: texts, tables and conversations."""

import json

import pandas as pd
import pyarrow as pa
import pytest
from saved_tables import save

from sentir.corpus.utterances import Clip
from sentir.errors import CorpusError
from sentir.recognizer.inputs import InputColumns, make_inputs, read_inputs
from sentir.recognizer.modalities import check_modalities


def utterances(path):
    return [one.utterance for one in read_inputs(path)]


def read(path, content):
    path.write_text(content, encoding="utf-8")
    return utterances(path)


def test_texts_have_no_context_and_no_lone_surrogates():
    first, second = (one.utterance for one in make_inputs(["Hi.", "so \ud83d sad"]).rows)
    assert first.dialogue != second.dialogue and second.text == "so \ufffd sad"


def test_a_row_without_a_dialogue_is_not_in_the_dialogue_named_like_its_number(tmp_path):
    rows = read(tmp_path / "t.csv", "text,dialogue\na,2\nb,\nc,2\n,\n")
    assert rows[0].dialogue == rows[2].dialogue and len({u.dialogue for u in rows}) == 3
    assert [(u.turn, u.text) for u in rows] == [(0, "a"), (0, "b"), (1, "c"), (0, "")]


def test_zero_is_a_valid_speaker_and_dialogue(tmp_path):
    lines = [{"text": "a", "dialogue": 0, "speaker": 0}, {"text": "b", "dialogue": None, "speaker": ""}]
    first, second = read(tmp_path / "t.jsonl", "\n".join(map(json.dumps, lines)))
    assert (first.speaker, second.speaker) == ("0", None) and first.dialogue != second.dialogue


def test_objects_without_a_dialogue_are_one_conversation_in_order(tmp_path):
    rows = read(tmp_path / "t.jsonl", '{"text": "a"}\r\n\n{"text": "b"}\n')
    assert len({u.dialogue for u in rows}) == 1 and [u.turn for u in rows] == [0, 1]


def test_line_separators_within_a_json_string_are_kept(tmp_path):
    (only,) = read(tmp_path / "t.jsonl", '{"text": "a\u2028b\x85c"}')
    assert only.text == "a\u2028b\x85c"


@pytest.mark.parametrize(
    ("value", "why"),
    [("\ud83d", "a lone surrogate"), ({"a": 1}, "a nested object"), ([[1]], "a list of lists")],
)
@pytest.mark.parametrize("column", ["text", "speaker", "mood"])
def test_a_value_that_cannot_be_a_cell_is_reported_in_its_row_and_kept(tmp_path, column, value, why):
    lines = [json.dumps({"text": "\U0001f600"}), json.dumps({"text": "x", column: value})]
    (tmp_path / "t.jsonl").write_text("\n".join(lines), encoding="utf-8")
    first, second = read_inputs(tmp_path / "t.jsonl")
    assert not first.problem and not first.notes and first.utterance.text == "\U0001f600"
    message = " ".join(second.notes) if column == "mood" else second.problem
    assert f"'{column}'" in message and why in message and bool(second.problem) == (column != "mood")
    assert json.loads(second.row[column]) == value


def test_an_invalid_line_is_the_problem_of_its_row(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"text": "a"}\nHi.\n\n{"text": "b"}\n{"text": 1, "text": 2}', "utf-8")
    rows = read_inputs(tmp_path / "t.jsonl")
    assert [bool(row.problem) for row in rows] == [False, True, False, True]
    assert "line 2" in rows[1].problem and "line 5" in rows[3].problem
    assert [row.id.rpartition(":")[2] for row in rows] == ["1", "2", "3", "4"]


def test_numeric_cells_become_numeric_features(tmp_path):
    table = pd.DataFrame(
        {"id": [1, 2], "text": ["5", "b"], "dialogue": [7, 7], "pitch": [1.5, None], "mood": ["joy", "inf"]}
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        assert [dict(u.numeric_features) for u in utterances(tmp_path / name)] == [{"pitch": 1.5}, {}]
    (line,) = read(tmp_path / "t.jsonl", '{"text": "a", "pitch": 2, "loud": true}')
    assert dict(line.numeric_features) == {"pitch": 2.0}


def test_every_table_format_can_be_predicted(tmp_path):
    objects = [{"text": "a", "audio": "x.wav", "speaker": "7"}, {"text": "b", "audio": "", "speaker": ""}]
    pd.DataFrame(objects).to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame(objects).to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    pd.DataFrame(objects).to_parquet(tmp_path / "t.parquet")
    for name in ("t.jsonl", "t.ndjson"):
        (tmp_path / name).write_text("\n".join(map(json.dumps, objects)), encoding="utf-16")
    save(tmp_path / "saved", pa.Table.from_pylist(objects), features=None)
    for name in ("t.csv", "t.tsv", "t.parquet", "t.jsonl", "t.ndjson", "saved"):
        rows = utterances(tmp_path / name)
        folder = tmp_path / name if name == "saved" else tmp_path
        assert [(u.text, u.speaker) for u in rows] == [("a", "7"), ("b", None)], name
        assert [u.clip for u in rows] == [Clip(folder / "x.wav"), None]
        is_conversation = name in ("t.jsonl", "t.ndjson")
        assert len({u.dialogue for u in rows}) == (1 if is_conversation else 2)


def test_rows_of_invisible_characters_have_no_text(tmp_path):
    texts = ["\u200b", "\u00ad", "\u2060 \u200d", "\ufe0f", "\u200e\u200f", "   ", '""', "\U0001f642", "Hi."]
    rows = read(tmp_path / "t.csv", "text\n" + "\n".join(texts) + "\n")
    problems = check_modalities(rows, frozenset({"text"}), mel_kind="mel").problems
    assert list(problems) == [u.id for u in rows[:7]] and len(set(problems.values())) == 1


def test_dialogues_and_speakers_that_look_the_same_are_equal(tmp_path):
    lines = "t\u200bext,speaker,season,scene\na,Ana,1,1\nb,An\u200ba,\u200e1,1\nc,\u200b,1,2\n"
    (tmp_path / "t.csv").write_text(lines, encoding="utf-8")
    inputs = read_inputs(tmp_path / "t.csv", InputColumns(dialogue=("season", "scene")))
    rows = [one.utterance for one in inputs]
    assert [(u.text, u.speaker, u.turn) for u in rows] == [("a", "Ana", 0), ("b", "Ana", 1), ("c", None, 0)]
    assert [u.dialogue[-3:] for u in rows] == ["1/1", "1/1", "1/2"]
    assert all(u.numeric_features == {} for u in rows)
    assert [*inputs[0].row][1:] == ["t\u200bext", "speaker", "season", "scene"]


def test_turns_follow_the_recipes_column_and_rows_keep_their_order(tmp_path):
    (tmp_path / "t.csv").write_text("text,dialogue,n\nb,1,2\na,1,1\nx,2,soon\ny,2,1\n", encoding="utf-8")
    inputs = read_inputs(tmp_path / "t.csv", table_settings={"turn": "n"})
    assert [(one.utterance.text, one.utterance.turn) for one in inputs] == [
        ("b", 1),
        ("a", 0),
        ("x", 0),
        ("y", 1),
    ]
    assert [bool(one.notes) for one in inputs] == [False, False, True, False] and "'soon'" in inputs[2].notes[0]


def test_a_folder_of_clips_is_not_a_saved_dataset(tmp_path):
    (tmp_path / "a.wav").touch()
    assert [u.clip for u in utterances(tmp_path)] == [Clip(tmp_path / "a.wav")]


SETTINGS = {"text": "said", "audio": "file", "id": "key", "speaker": "who", "start": "from", "end": "to"}


def test_columns_are_the_named_ones_then_the_recipes_then_the_defaults(tmp_path):
    (tmp_path / "t.csv").write_text("key,said,file,who,from,to,text\nu1,Hi.,a.wav,Ana,1,2.5,no\n", "utf-8")
    (one,) = read_inputs(tmp_path / "t.csv", table_settings=SETTINGS)
    assert (one.id, one.utterance.text, one.utterance.speaker) == ("u1", "Hi.", "Ana")
    assert one.utterance.clip == Clip(tmp_path / "a.wav", 1.0, 2.5)
    (named,) = read_inputs(tmp_path / "t.csv", InputColumns(text="text"), SETTINGS)
    assert named.utterance.text == "no" and named.id == "u1"
    (tmp_path / "u.csv").write_text("id,text,speaker\n7,Hi.,Eva\n", "utf-8")
    (default,) = read_inputs(tmp_path / "u.csv", table_settings=SETTINGS)
    assert (default.id, default.utterance.text, default.utterance.speaker) == ("7", "Hi.", "Eva")
    with pytest.raises(CorpusError, match=r"u\.csv has no column 'whom'; it has: id, text, speaker"):
        read_inputs(tmp_path / "u.csv", InputColumns(speaker="whom"))


def test_of_columns_that_differ_in_invisible_characters_the_exact_one_is_read(tmp_path):
    header, cells = "id,my text,my  text,cafe\u0301,what\u200b,a  b,a   b", "7,one,two,three,four,five,six"
    (tmp_path / "t.csv").write_text(f"{header}\n{cells}\n", "utf-8")
    for name, text in (("my text", "one"), ("my  text", "two"), ("caf\u00e9", "three"), ("what", "four")):
        (read,) = read_inputs(tmp_path / "t.csv", InputColumns(text=name))
        assert (read.id, read.utterance.text) == ("7", text)
    with pytest.raises(CorpusError, match="has no column 'a b'"):
        read_inputs(tmp_path / "t.csv", InputColumns(text="a b"))


def test_invalid_times_leave_a_row_without_its_clip_and_with_the_reason(tmp_path):
    (tmp_path / "t.csv").write_text('audio,a,b\nx.wav,2,1\nx.wav,,1\nx.wav,soon,\n"x\0y.wav",,\n', "utf-8")
    rows = read_inputs(tmp_path / "t.csv", InputColumns(start="a", end="b"))
    assert [row.utterance.clip for row in rows] == [None, Clip(tmp_path / "x.wav", None, 1.0), None, None]
    assert "'2' to '1'" in rows[0].audio_problem and "'soon'" in rows[2].audio_problem and rows[3].audio_problem


def test_the_users_id_is_kept_and_one_is_made_only_if_there_is_none(tmp_path):
    (tmp_path / "a.csv").write_text("text,id\nHi.,007\nHo.,\n", "utf-8")
    (tmp_path / "b.csv").write_text("text\nHi.\n", "utf-8")
    first, second = read_inputs(tmp_path / "a.csv")
    assert (first.id, second.id) == ("007", f"{tmp_path / 'a.csv'}:2")
    assert dict(second.row) == {"text": "Ho.", "id": ""}
    (other,) = read_inputs(tmp_path / "b.csv")
    assert list(other.row.items()) == [("id", f"{tmp_path / 'b.csv'}:1"), ("text", "Hi.")]
