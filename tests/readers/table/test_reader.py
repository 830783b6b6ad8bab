"""The reader of user tables, in every format and with every kind of error."""

from collections import defaultdict

import pandas as pd
import pytest
from table_reading import read, write

from sentir.corpus.label_spaces import RegressionSpace, SingleLabelSpace
from sentir.corpus.utterances import SPLITS, Clip
from sentir.errors import CorpusError, RecipeError
from sentir.readers import read_corpus
from sentir.recipe import DataSettings, Recipe

ROWS = [
    {"key": "007", "said": "Hi", "who": "Ana", "talk": "a", "part": "train", "mood": "happy", "loud": "1.5"},
    {"key": "-7", "said": "No", "who": "", "talk": "a", "part": "train", "mood": "Anger", "loud": ""},
    {"key": "7", "said": "", "who": "Ana", "talk": "", "part": "validation", "mood": "", "loud": "high"},
    {"key": "x", "said": "So, so", "who": "Bea", "talk": "b", "part": "TEST", "mood": "fear", "loud": "-2e-1"},
]
COLUMNS = {"id": "key", "text": "said", "speaker": "who", "dialogue": "talk", "split": "part"}


@pytest.fixture(params=["csv", "tsv", "parquet"])
def table(request, tmp_path):
    path = tmp_path / f"talks.{request.param}"
    if request.param == "parquet":
        pd.DataFrame(ROWS).to_parquet(path)
        return path
    return write(path, ROWS)


def test_every_format_gives_the_same_corpus(table):
    corpus = read(table, **COLUMNS, features=("loud",))
    assert corpus.name == "talks" and corpus.label_space("emotion").names == ("anger", "fear", "joy")
    assert [(u.id, u.split, u.dialogue, u.turn, u.speaker, u.text) for u in corpus] == [
        ("007", "train", "talks/a", 0, "Ana", "Hi"),
        ("-7", "train", "talks/a", 1, None, "No"),
        ("7", "dev", "7", 0, "Ana", None),
        ("x", "test", "talks/b", 0, "Bea", "So, so"),
    ]
    assert [dict(u.labels) for u in corpus] == [{"emotion": ("joy",)}, {"emotion": ("anger",)}, {}, {}]
    assert corpus.sealed._reveal()[0] == {"x": {"emotion": ("fear",)}}
    assert [dict(u.numeric_features) for u in corpus] == [{"loud": 1.5}, {}, {}, {"loud": -0.2}]
    assert [(issue.kind, issue.where) for issue in corpus.issues] == [
        ("label_missing", "7"),
        ("number_invalid", "7"),
    ]


def test_the_file_may_be_named_below_a_root_folder(table):
    assert read(table.parent, file=table.name, **COLUMNS).fingerprint == read(table, **COLUMNS).fingerprint


def test_ids_without_an_id_column_are_row_numbers(table):
    assert [u.id for u in read(table, split="part")] == [f"talks/row{n}" for n in (1, 2, 3, 4)]


def test_label_names_are_unchanged_without_normalization(table):
    assert read(table, normalize=False, split="part").label_space("emotion").names == ("Anger", "fear", "happy")
    assert read(table, task="mood", split="part").label_space("mood").names == ("Anger", "fear", "happy")


def test_several_intensity_columns_are_a_multilabel_space(tmp_path):
    rows = [
        {"t": "a", "sad": "0.5", "happy": "0"},
        {"t": "b", "sad": "0", "happy": "0"},
        {"t": "c", "sad": "", "happy": "1"},
        {"t": "d", "sad": "2", "happy": "1e0"},
    ]
    path = write(tmp_path / "m.csv", [row | {"s": "train"} for row in rows])
    corpus = read(path, labels=("sad", "happy"), text="t", split="s", threshold=0.5)
    space = corpus.label_space("emotion")
    assert space.names == ("joy", "sadness") and space.kind == "multi"
    labels = [u.labels.get("emotion") for u in corpus]
    assert labels == [(), (), None, ("joy", "sadness")]
    assert corpus.utterances[0].scores == {"joy": 0.0, "sadness": 0.5}
    assert [issue.where for issue in corpus.issues if issue.kind == "label_missing"] == ["m/row3"]


def test_a_target_column_is_a_regression_task_on_its_scale(tmp_path):
    rows = [
        {"t": "a", "v": "4.5", "s": "train"},
        {"t": "b", "v": "", "s": "dev"},
        {"t": "c", "v": "1", "s": "test"},
    ]
    path = write(tmp_path / "m.csv", rows)
    corpus = read(path, task="pleasure", value="v", scale=(1, 5), text="t", split="s")
    assert corpus.label_space("pleasure") == RegressionSpace("pleasure", "v", (1.0, 5.0))
    assert [u.labels.get("pleasure") for u in corpus] == [(4.5,), None, None]
    assert [(issue.kind, issue.where) for issue in corpus.issues] == [("label_missing", "m/row2")]
    assert corpus.sealed._reveal()[0]["m/row3"] == {"pleasure": (1.0,)}
    with pytest.raises(CorpusError, match=r"'m/row1' has 4\.5 in 'v', outside the scale from 0 to 3"):
        read(path, value="v", scale=(0, 3), text="t", split="s")
    with pytest.raises(CorpusError, match="no row has a number in each of t"):
        read(path, value="t", scale=(0, 3), split="s")
    with pytest.raises(RecipeError, match=r"'data\.table\.features' uses the label column 'v'"):
        read(path, value="v", scale=(1, 5), features=("v",), split="s")


def test_votes_are_a_single_label_space_with_the_label_of_most(tmp_path):
    rows = [
        {"t": "a", "happy": "3", "Joyful": "1", "sad": "2", "s": "train"},
        {"t": "b", "happy": "1", "Joyful": "1", "sad": "2", "s": "train"},
        {"t": "c", "happy": "0", "Joyful": "0", "sad": "0", "s": "dev"},
        {"t": "d", "happy": "0", "Joyful": "0", "sad": "1", "s": "test"},
    ]
    path, columns = write(tmp_path / "m.csv", rows), ("happy", "Joyful", "sad")
    corpus = read(path, votes=columns, names={"Joyful": "joy"}, text="t", split="s")
    assert corpus.label_space("emotion") == SingleLabelSpace("emotion", ("joy", "sadness"))
    assert [u.labels for u in corpus] == [{"emotion": ("joy",)}, {}, {}, {}]
    assert corpus.utterances[0].scores == pytest.approx({"joy": 4 / 6, "sadness": 2 / 6})
    assert corpus.utterances[1].scores == {"joy": 0.5, "sadness": 0.5} and corpus.utterances[2].scores == {}
    assert [(issue.kind, issue.where) for issue in corpus.issues] == [
        ("label_tied", "m/row2"), ("label_missing", "m/row3"),
    ]  # fmt: skip
    assert corpus.sealed._reveal() == (
        {"m/row4": {"emotion": ("sadness",)}},
        {"m/row4": {"joy": 0, "sadness": 1}},
    )
    write(path, [rows[0] | {"sad": "-1"}])
    with pytest.raises(CorpusError, match=r"'m/row1' has a negative number of votes in 'sad'"):
        read(path, votes=columns, names={"Joyful": "joy"}, text="t", split="s")


def test_several_target_columns_are_a_regression_task_each(tmp_path):
    rows = [
        {"t": "a", "valence": "4,5", "arousal": "-1", "s": "train"},
        {"t": "b", "valence": "2", "arousal": "", "s": "dev"},
        {"t": "c", "valence": "1", "arousal": "0", "s": "test"},
    ]
    path, scales = write(tmp_path / "m.csv", rows), {"valence": (1, 5), "arousal": (-1, 1)}
    corpus = read(path, task="valence", values=scales, text="t", split="s")
    assert list(corpus.label_spaces.values()) == [
        RegressionSpace("valence", "valence", (1.0, 5.0)),
        RegressionSpace("arousal", "arousal", (-1.0, 1.0)),
    ]
    train, dev, _test = corpus
    assert train.labels == {"valence": (4.5,), "arousal": (-1.0,)} and dev.labels == {"valence": (2.0,)}
    assert [(issue.kind, issue.where) for issue in corpus.issues] == [("label_missing", "m/row2")]
    with pytest.raises(RecipeError, match=r"'data\.table\.features' uses the label column 'arousal'"):
        read(path, task="valence", values=scales, features=("arousal",), split="s")


def test_clips_are_relative_to_the_table_and_segments_are_in_seconds(tmp_path):
    (tmp_path / "a.wav").touch()
    cells = [("a.wav", "", ""), ("a.wav", "0.5", "2"), ("a.wav", "2", "1"), ("a.wav", "soon", ""), ("", "", "")]
    rows = [{"f": f, "from": s, "to": e, "mood": "joy", "s": "train"} for f, s, e in [*cells, ("b.wav", "", "")]]
    path = write(tmp_path / "t.csv", rows)
    corpus = read(path, with_audio=True, audio="f", start="from", end="to", split="s")
    file, segment = Clip(tmp_path / "a.wav"), Clip(tmp_path / "a.wav", 0.5, 2.0)
    assert [u.clip for u in corpus] == [file, segment, None, None, None, Clip(tmp_path / "b.wav")]
    assert [(issue.kind, issue.where) for issue in corpus.issues] == [
        ("clip_times_invalid", "t/row3"),
        ("clip_times_invalid", "t/row4"),
        ("clip_not_named", "t/row5"),
        ("audio_file_missing", "t/row6"),
    ]
    without_audio = read(path, audio="f", start="from", end="to", split="s")
    assert {u.clip for u in without_audio} == {None} and without_audio.issues == ()
    assert without_audio.fingerprint == corpus.fingerprint


@pytest.mark.parametrize("name", ["no.wav", "a folder", "x" * 300 + ".wav", "a\0b.wav", "song.npy/"])
def test_a_missing_clip_is_an_issue_whatever_its_name(tmp_path, name):
    (tmp_path / "a folder").mkdir()
    path = write(tmp_path / "t.csv", [{"f": name, "mood": "joy", "s": "train"}])
    corpus = read(path, with_audio=True, audio="f", split="s")
    assert [(issue.kind, issue.where) for issue in corpus.issues] == [("audio_file_missing", "t/row1")]


def test_any_existing_file_is_accepted_as_a_clip(tmp_path):
    names = ["spectrogram.npy", "-dash.wav", "\u00f1and\u00fa.ogg", "notes.txt"]
    for name in names:
        (tmp_path / name).touch()
    rows = [{"f": name, "mood": "joy", "s": "train"} for name in names]
    corpus = read(write(tmp_path / "t.csv", rows), with_audio=True, audio="f", split="s")
    assert [u.clip.path.name for u in corpus] == names and corpus.issues == ()


@pytest.mark.parametrize(
    ("columns", "by"),
    [
        ({"group": "room", "dialogue": "talk", "speaker": "who"}, "room"),
        ({"dialogue": "talk", "speaker": "who"}, "talk"),
        ({"speaker": "who"}, "who"),
        ({}, None),
    ],
)
def test_without_a_split_column_groups_are_never_divided(tmp_path, columns, by):
    rows = [
        {"t": str(n), "mood": "joy", "who": f"s{n % 7}", "talk": f"d{n // 2}", "room": f"r{n // 10}"}
        for n in range(60)
    ]
    columns["seed"] = 1
    corpus = read(write(tmp_path / "t.csv", rows), text="t", **columns)
    assert all(corpus.split(split) for split in SPLITS)
    split_of_text = {u.text: u.split for u in corpus}
    (issue,) = corpus.issues
    assert issue.kind == "split_generated" and "seed 1" in issue.message and issue.where == "t.csv"
    assert issue.severity == ("note" if by else "warning")
    if by:
        assert f"'{by}'" in issue.message
        splits_of_group = defaultdict(set)
        for row in rows:
            splits_of_group[row[by]].add(split_of_text[row["t"]])
        assert all(len(splits) == 1 for splits in splits_of_group.values())
    reversed_rows = read(write(tmp_path / "t.csv", rows[::-1]), text="t", **columns)
    assert {u.text: u.split for u in reversed_rows} == split_of_text


def assert_rejected(path, message, error_type=CorpusError, **columns):
    with pytest.raises(error_type, match=message) as error:
        read(path, **columns)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("role", ["id", "text", "speaker", "dialogue", "split", "label", "group", "audio"])
def test_a_missing_column_is_named_with_the_file_and_its_columns(tmp_path, role):
    path = write(tmp_path / "t.csv", ROWS)
    assert_rejected(
        path, r"t\.csv has no column 'none'; it has: key, said, who, talk, part, mood, loud", **{role: "none"}
    )


def test_all_unknown_labels_are_listed_with_the_settings_that_map_or_keep_them(tmp_path):
    rows = [{"mood": mood, "s": "train"} for mood in ("joy", "meh", "hangry", "meh")]
    assert_rejected(
        write(tmp_path / "t.csv", rows),
        r"meh \(2\), hangry \(1\);.*names = \{ \"meh\".*normalize=false",
        split="s",
    )


def test_a_label_is_never_a_feature(tmp_path):
    path = write(tmp_path / "t.csv", ROWS)
    assert_rejected(path, "label column 'mood'", RecipeError, features=("loud", "mood"))
    assert_rejected(path, "label column 'loud'", RecipeError, labels=("loud",), features=("loud",))


@pytest.mark.parametrize(
    ("change", "columns", "message"),
    [
        ({"key": "x"}, {"id": "key", "split": "part"}, "rows 1 and 4 have the same id 'x'"),
        ({"key": ""}, {"id": "key", "split": "part"}, "row 1 has no id in 'key'"),
        ({"part": "eval"}, {"split": "part"}, "row 1 has 'eval' in 'part'"),
        ({"part": ""}, {"split": "part"}, "row 1 has '' in 'part'"),
        ({"talk": "b"}, {"split": "part", "dialogue": "talk"}, "dialogue 'talks/b' is in both train and test"),
        ({"talk": "b"}, {"group": "who", "dialogue": "talk"}, "dialogue 'b' is in two groups of 'who'"),
    ],
)
def test_inconsistent_rows_are_rejected_by_row(tmp_path, change, columns, message):
    assert_rejected(write(tmp_path / "talks.csv", [ROWS[0] | change, *ROWS[1:]]), message, **columns)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "no rows"),
        ("t.csv", b"mood\n", "no rows"),
        ("t.csv", b"mood\n''\n\"\"\n", "unknown labels"),
        ("t.csv", b"mood,s\n,train\n", "no row has a label"),
        ("t.csv", b"mood,s\njoy,a,b\n", "row 1 has 3 cells"),
        ("t.csv", b"mood,mood\njoy,joy\n", "two columns called 'mood'"),
        ("t.csv", "mood\nрадость\n".encode("cp1251"), r"encoding of .* cannot be detected, or it is not text"),
        ("t.csv", b"mood,s,,\njoy,train,,x\njoy,train,y\n", "row 2 has 3 cells, the header 4"),
        ("t.csv", b'mood\n"joy\n', r"is not a table: .*[^.]\.$"),
        ("t.csv", b"mood;s\njoy;train\nfear\n", "row 2 has 1 cells, the header 2"),
        ("t.parquet", b"mood\njoy\n", "t.parquet is damaged, or its suffix"),
        ("t.xlsx", b"PK", "t.xlsx is damaged, or its suffix"),
        ("t.ods", b"PK", ".csv, .tsv, .xlsx, .parquet, .jsonl or .ndjson"),
        ("t.csv", b"mood\njoy\njoy\n", "too few for train, dev, test"),
    ],
)
def test_damaged_files_are_rejected_in_one_sentence(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    assert_rejected(tmp_path / name, message)


def test_a_cell_may_have_any_length(tmp_path):
    rows = [row | {"said": row["said"] + "a " * 100_000} for row in ROWS]
    corpus = read(write(tmp_path / "t.csv", rows), text="said", split="part")
    assert all(len(u.text) >= 200_000 for u in corpus)


def test_an_incomplete_recipe_is_rejected(tmp_path):
    path = write(tmp_path / "t.csv", ROWS)
    assert_rejected(tmp_path, "name the table", RecipeError)
    assert_rejected(tmp_path, r"no table .*none\.csv", file="none.csv")
    assert_rejected(path, "are times in clips", RecipeError, start="loud")
    assert_rejected(path, r"'data\.audio' .*'data\.table\.audio'", RecipeError, with_audio=True)
    with pytest.raises(RecipeError, match=r"section 'data\.table'"):
        read_corpus(DataSettings(reader="table"), path)


NAMED = {"group": "who", "splits": {"dev": ["Bea"], "test": ["Cy", "Di"]}}


def test_named_groups_are_dev_and_test_and_the_rest_is_train(tmp_path):
    rows = [{"who": who, "mood": "joy"} for who in ("Ana", "Di", "Bea", "", "Cy", "Bea", "Eva")]
    corpus = read(write(tmp_path / "t.csv", rows), speaker="who", **NAMED)
    assert [u.split for u in corpus] == ["train", "test", "dev", "train", "test", "dev", "train"]
    assert corpus.issues == ()


def test_unknown_groups_and_groups_that_leave_no_train_are_rejected(tmp_path):
    path = write(tmp_path / "t.csv", [{"who": who, "mood": "joy"} for who in ("Ana", "Bea", "cy", "Di")])
    assert_rejected(path, r"t\.csv: 'data\.table\.splits' names Cy, which no row has in 'who'", **NAMED)
    path = write(tmp_path / "t.csv", [{"who": who, "mood": "joy"} for who in ("Bea", "Cy", "Di")])
    assert_rejected(path, "leaves no group for train", **NAMED)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group": None}, "name their column in 'group'"),
        ({"split": "part"}, "only one of 'splits', 'split' and 'fractions'"),
        ({"fractions": [0.8, 0.1, 0.1]}, "only one of 'splits', 'split' and 'fractions'"),
        ({"splits": {"dev": ["Bea"]}}, "groups of dev and other groups of test"),
        ({"splits": {"dev": ["Bea"], "test": ["Bea", "Cy"]}}, "groups of dev and other groups of test"),
        ({"splits": {"train": ["Ana"]}}, r"no setting 'data\.table\.splits\.train'"),
    ],
)
def test_named_groups_exclude_every_other_way_to_split(change, message):
    table = {"label": "mood"} | NAMED | change
    with pytest.raises(RecipeError, match=message):
        Recipe.parse({"name": "r", "data": {"reader": "table", "table": table}})


def test_a_recipe_with_named_groups_is_the_same_after_saving():
    recipe = Recipe.parse({"name": "r", "data": {"reader": "table", "table": {"label": "mood"} | NAMED}})
    assert Recipe.parse(recipe.to_dict()) == recipe and recipe.data.table.splits.test == ("Cy", "Di")


RAVDESS = {"file": "manifest.csv", "text": "text", "audio": "path", "label": "label", "speaker": "speaker"}


@pytest.mark.shared_data
def test_ravdess_is_read_with_audio_and_split_by_named_actors(shared_data):
    actors = {"dev": range(17, 21), "test": range(21, 25)}
    splits = {split: [f"actor{n:02}" for n in numbers] for split, numbers in actors.items()}
    corpus = read(shared_data / "ravdess", with_audio=True, group="speaker", splits=splits, **RAVDESS)
    assert [len(corpus.split(split)) for split in SPLITS] == [960, 240, 240]
    for split in ("dev", "test"):
        assert {u.speaker for u in corpus.split(split)} == set(splits[split])
    names = ("anger", "calm", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
    assert corpus.label_space("emotion").names == names
    assert all(u.text and u.clip.path.is_file() for u in corpus) and corpus.issues == ()


@pytest.mark.shared_data
def test_ravdess_without_named_actors_is_split_at_random_by_actor(shared_data):
    corpus = read(shared_data / "ravdess", features=("duration",), **RAVDESS)
    assert len(corpus) == 1440 and len(corpus.label_space("emotion")) == 8
    speakers = [{u.speaker for u in corpus.split(split)} for split in SPLITS]
    assert all(speakers) and sum(map(len, speakers)) == len(set.union(*speakers)) == 24
    assert all(u.numeric_features["duration"] > 0 for u in corpus)
    assert [issue.kind for issue in corpus.issues] == ["split_generated"]
