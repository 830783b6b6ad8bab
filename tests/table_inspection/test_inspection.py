"""Inspecting a table: the roles of columns, the reasons for unused ones, and questions."""

import random

import pytest
from small_tables import MOODS, TEXTS, mood, table, words

from sentir.corpus.utterances import SPLITS
from sentir.errors import CorpusError
from sentir.table_inspection.inspection import inspect_table

LEAK = "'{}' reveals the label on train (leakage): never use it as an input."


def roles(inspection):
    return {one.name: one.role for one in inspection.columns}


def reason(inspection, column):
    return next(one.reason for one in inspection.columns if one.name == column)


def test_columns_are_recognized_by_their_content_and_their_names(tmp_path):
    path = table(tmp_path, frase=words, cómo=mood, Hablante=lambda i: f"h{i % 9}", Sesión="s", n=str)
    assert roles(inspect_table(path)) == {
        "frase": "text",
        "cómo": "label",
        "Hablante": "speaker",
        "Sesión": "",
        "n": "",
    }
    path = table(
        tmp_path, what=words, Utterance_ID=lambda i: f"u{i}", thread=lambda i: f"d{i // 3}", emotion=mood
    )
    inspection = inspect_table(path)
    assert roles(inspection) == {"what": "text", "Utterance_ID": "id", "thread": "dialogue", "emotion": "label"}
    assert (
        inspection.task == "emotion"
        and not inspection.has_audio
        and not inspection.questions
        and not inspection.warnings
    )


def test_every_unused_column_has_a_reason(tmp_path):
    path = table(
        tmp_path,
        text=words,
        mood=mood,
        same="x",
        empty=None,
        key=lambda i: f"k{i}",
        code=lambda i: f"c{i}",
        valence=lambda i: i % 5,
        loud=lambda i: i % 7,
        place=lambda i: "ab"[i % 2],
        feeling=lambda i: ("joy", "fear")[i // 2 % 2],
    )
    inspection = inspect_table(path)
    reasons = {name: reason(inspection, name) for name, role in roles(inspection).items() if not role}
    assert reasons.keys() == {"same", "empty", "code", "valence", "loud", "place", "feeling"}
    assert reasons["same"] == "constant" and reasons["empty"] == "empty"
    assert "like an id" in reasons["code"] and "label names too" in reasons["feeling"]
    assert "not an input" in reasons["valence"] and "feature if known before" in reasons["loud"]


def test_a_column_that_reveals_the_label_on_train_gives_a_warning(tmp_path):
    part = {"split": lambda i: SPLITS[i // 4 % 3]}

    def code(i):
        return i % 3 if i // 4 % 3 == 0 else i % 4  # not informative on dev and test

    inspection = inspect_table(
        table(tmp_path, 60, text=words, mood=mood, code=code, other=lambda i: i % 5, **part)
    )
    assert inspection.warnings == (LEAK.format("code"),)
    assert "one label only" in reason(inspection, "code")
    assert not inspect_table(table(tmp_path, 60, text=words, mood=mood, code=lambda i: i % 5, **part)).warnings


def test_unique_numbers_whose_neighbors_share_a_label_give_a_warning(tmp_path):
    rng = random.Random(0)
    near = table(tmp_path, 60, text=words, mood=mood, score=lambda i: MOODS.index(mood(i)) + rng.random() / 4)
    assert inspect_table(near).warnings == (
        "'score' reveals the label on train (leakage): never use it as an input.",
    )
    assert not inspect_table(table(tmp_path, 60, text=words, mood=mood, score=lambda i: rng.random())).warnings


def test_numeric_columns_are_labels_with_a_question_on_the_threshold(tmp_path):
    flags = table(tmp_path, text=words, happy=lambda i: i % 2, ira=lambda i: i % 3 == 0, n=lambda i: i % 4)
    inspection = inspect_table(flags)
    assert inspection.settings["labels"] == ["happy", "ira"] and not inspection.questions
    inspection = inspect_table(table(tmp_path, text=words, happy=lambda i: i % 4, ira=lambda i: i % 2))
    assert "from 0 to 3" in inspection.questions["threshold"]
    inspection = inspect_table(table(tmp_path, text=words, mood=mood, happy=lambda i: i % 4, ira=lambda i: i % 2))
    assert roles(inspection)["mood"] == "label" and "an intensity" in reason(inspection, "happy")


@pytest.mark.parametrize(
    ("cells", "separator", "task"),
    [
        (("joy|fear", "ira"), "|", "emotion"),
        (("joy, fear", "ira"), ",", "emotion"),
        ((["joy", "fear"], []), None, "emotion"),
        (("positive", "neg"), None, "sentiment"),
    ],
)
def test_lists_separators_and_sentiments_are_recognized(tmp_path, cells, separator, task):
    inspection = inspect_table(table(tmp_path, text=words, y=lambda i: cells[i % 2]))
    assert inspection.settings["label"] == "y" and inspection.task == task
    assert inspection.settings.get("label_separator") == separator
    assert ("label_separator" in inspection.questions) == bool(separator)


def test_unknown_labels_are_kept_and_become_a_question(tmp_path):
    inspection = inspect_table(table(tmp_path, text=words, y=lambda i: ("joy", "hap", "exc", 'a"b')[i % 4]))
    assert (
        inspection.settings["names"] == {"exc": "exc", 'a"b': 'a"b'}
        and "exc (7)" in inspection.questions["names"]
    )
    inspection = inspect_table(table(tmp_path, text=words, label=lambda i: i % 2))
    assert inspection.settings["names"] == {"0": "0", "1": "1"} and "label" in inspection.questions
    inspection = inspect_table(table(tmp_path, 120, text=words, label=lambda i: f"w{i % 40}"))
    assert inspection.settings["normalize"] is False and "names" not in inspection.settings


def test_dialogues_and_speakers_that_cannot_be_kept_within_splits_are_unused(tmp_path):
    in_two_splits = {"split": lambda i: SPLITS[i % 3], "dialogue": lambda i: f"d{i // 5}"}
    inspection = inspect_table(table(tmp_path, text=words, mood=mood, **in_two_splits))
    assert roles(inspection)["dialogue"] == "" and "several splits" in reason(inspection, "dialogue")
    inspection = inspect_table(table(tmp_path, text=words, mood=mood, speaker=lambda i: "ab"[i % 2]))
    assert roles(inspection)["speaker"] == "" and "2 groups are too few" in reason(inspection, "speaker")
    one_speaker_each = {"dialogue": lambda i: f"d{i // 3}", "speaker": lambda i: f"s{i // 6}"}
    assert "group" in inspect_table(table(tmp_path, text=words, mood=mood, **one_speaker_each)).questions
    several_speakers = {"dialogue": lambda i: f"d{i // 3}", "speaker": lambda i: f"s{i % 5}"}
    assert "group" not in inspect_table(table(tmp_path, text=words, mood=mood, **several_speakers)).questions


def test_existing_clips_are_used_and_then_few_different_texts_are_not(tmp_path):
    columns = {"file": lambda i: f"{i}.wav", "text": lambda i: TEXTS[i % 2], "mood": mood, "start": 0, "end": 1}
    missing = inspect_table(table(tmp_path, **columns))
    assert not missing.has_audio and missing.settings["audio"] == "file"
    assert "do not exist" in missing.warnings[0]
    for i in range(30):
        (tmp_path / f"{i}.wav").touch()
    times = {"start": lambda i: i / 10, "end": lambda i: i / 10 + 1}
    inspection = inspect_table(table(tmp_path, **columns | times))
    assert (
        inspection.has_audio
        and "text" not in inspection.settings
        and "2 different texts" in reason(inspection, "text")
    )
    assert (inspection.settings["start"], inspection.settings["end"]) == ("start", "end")


@pytest.mark.parametrize(
    ("n", "columns", "message"),
    [
        (2, {"text": words, "mood": mood}, "needs three rows or more, one each for train, dev and test; it has"),
        (9, {"text": words, "Emotion": "joy"}, "all labels in the column 'Emotion' are 'joy'"),
        (30, {"text": words, "n": lambda i: i}, "no column of at most 60 different values .*: text, n"),
        (30, {"mood": mood, "n": lambda i: i}, "no column of texts and no clips"),
        (30, {"mood": mood, "f": lambda i: f"{i}.wav"}, r"no clips\. The files in 'f' do not exist"),
    ],
)
def test_a_table_that_cannot_be_a_corpus_is_rejected(tmp_path, n, columns, message):
    with pytest.raises(CorpusError, match=message):
        inspect_table(table(tmp_path, n, **columns))


@pytest.mark.shared_data
def test_the_tables_of_real_corpora_are_recognized(shared_data):
    inspection = inspect_table(shared_data / "ravdess" / "manifest.csv")
    assert inspection.has_audio and inspection.settings == {
        "audio": "path",
        "speaker": "speaker",
        "label": "label",
    }
    meld = inspect_table(shared_data / "meld" / "dev_sent_emo.csv").settings
    assert meld == {
        "text": "Utterance",
        "speaker": "Speaker",
        "dialogue": "Dialogue_ID",
        "turn": "Utterance_ID",
        "label": "Emotion",
        "id": "Sr No.",
    }
    mosei = inspect_table(shared_data / "mosei" / "Labels" / "Data_Val_modified.csv")
    assert (mosei.settings["text"], mosei.settings["dialogue"]) == ("text", "video")
    assert mosei.settings["labels"] == ["happy", "sad", "anger", "surprise", "disgust", "fear"]


@pytest.mark.parametrize(("invalid", "listed"), [("held-out", "'held-out'"), ("", "empty")])
def test_a_split_column_with_invalid_rows_gives_a_warning(tmp_path, invalid, listed):
    parts = ("train", "train", "validation", "test", invalid)
    inspection = inspect_table(table(tmp_path, text=words, mood=mood, part=lambda i: parts[i % 5]))
    (warning,) = inspection.warnings
    assert "split" not in inspection.settings and "'part' names splits" in warning and f"({listed})" in warning


def test_a_column_that_reveals_one_of_several_labels_gives_a_warning(tmp_path):
    def emotions(i):
        return [name for name, present in (("joy", i % 3 == 0), ("sadness", i % 2 == 0)) if present]

    path = table(
        tmp_path,
        80,
        text=words,
        emotions=emotions,
        level=lambda i: i + 1000 * (i % 2),
        other=lambda i: i * 7 % 11,
    )
    assert inspect_table(path).warnings == (
        "'level' reveals the label on train (leakage): never use it as an input.",
    )


def test_ambiguous_numbers_and_notes_of_reading_are_among_the_warnings(tmp_path):
    inspection = inspect_table(table(tmp_path, text=words, mood=mood, pay=lambda i: ("1,234", "5")[i % 2]))
    assert [one for one in inspection.warnings if "'pay' contains '1,234'" in one]
    path = tmp_path / "t.csv"
    lines = [f"{words(i)};{('alegría', 'ira', 'miedo')[i % 3]}" for i in range(9)]
    path.write_bytes("\n".join(["frase;emoción", *lines]).encode("cp1252"))
    assert [one for one in inspect_table(path).warnings if "decoded as cp1252: 4" in one]


def test_labels_unique_columns_and_groups_in_several_splits_are_not_suggested(tmp_path):
    others = {"split": lambda i: SPLITS[i // 3 % 3], "code": lambda i: f"c{i % 3}"}
    divided = table(tmp_path, 90, text=words, mood=mood, block=lambda i: f"b{i // 9}", **others)
    assert inspect_table(divided).suggestions == {"speaker": "block"}
    plain = table(tmp_path, 90, text=words, mood=mood, n=lambda i: f"k{i}", side=lambda i: "ab"[i % 2])
    assert inspect_table(plain).suggestions == {}


SPANISH = {
    "text": "texto frase oración enunciado Transcripción MENSAJE comentario",
    "label": "emoción Emocion etiqueta SENTIMIENTO",
    "speaker": "hablante Locutor persona id_hablante Nombre_Hablante personaje",
    "dialogue": "diálogo conversación id_conversacion Charla",
    "split": "partición conjunto",
    "audio": "archivo ruta",
    "start": "inicio Tiempo_inicio",
    "end": "fin tiempo_fin",
}
COLUMNS = {
    "text": words,
    "label": mood,
    "speaker": lambda i: f"h{i % 9}",
    "dialogue": lambda i: f"d{i // 3}",
    "split": lambda i: ("entrenamiento", "validación", "prueba")[i // 9 % 3],
    "audio": lambda i: f"{i}.wav",
    "start": lambda i: i / 10,
    "end": lambda i: i / 10 + 1,
}


@pytest.mark.parametrize("role", list(SPANISH))
def test_spanish_column_names_are_recognized_in_any_case_with_or_without_accents(tmp_path, role):
    for i in range(90):
        (tmp_path / f"{i}.wav").touch()
    for heading in SPANISH[role].split():
        columns = {SPANISH[one].split()[0] if one != role else heading: make for one, make in COLUMNS.items()}
        settings = inspect_table(table(tmp_path, 90, **columns)).settings
        assert settings[role] == heading and settings.keys() >= SPANISH.keys()
