"""A look at a table: what is taken for what, what is left out and why, and what is asked."""

import json
import random
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentir.api import init_recipe
from sentir.corpus.utterances import SPLITS
from sentir.errors import CorpusError, SentirError
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.study.plan import plan_candidates
from sentir.table_inspection.inspection import inspect_table

RECIPES = Path(__file__).parents[2] / "recipes"
SAID = ("What a day this is", "I will not go there", "Who could have known", "Never mind all that")
MOODS = ("alegría", "ira", "miedo")


def table(folder, rows=30, /, **columns):
    """Write a table whose columns are functions of the row's number, or the same in every row."""
    made = [{key: make(i) if callable(make) else make for key, make in columns.items()} for i in range(rows)]
    path = folder / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, made)), encoding="utf-8")
    return path


def said(i):
    return f"{SAID[i % 4]} {i}"


def mood(i):
    return MOODS[i % 3]


def roles(seen):
    return {one.name: one.role for one in seen.columns}


def why(seen, column):
    return next(one.reason for one in seen.columns if one.name == column)


def test_columns_are_known_by_what_they_hold_and_by_their_names(tmp_path):
    path = table(tmp_path, frase=said, cómo=mood, Hablante=lambda i: f"h{i % 9}", Sesión="s", n=str)
    assert roles(inspect_table(path)) == {
        "frase": "text",
        "cómo": "label",
        "Hablante": "speaker",
        "Sesión": "",
        "n": "",
    }
    path = table(tmp_path, what=said, Utterance_ID=lambda i: f"u{i}", thread=lambda i: f"d{i // 3}", emotion=mood)
    seen = inspect_table(path)
    assert roles(seen) == {"what": "text", "Utterance_ID": "id", "thread": "dialogue", "emotion": "label"}
    assert seen.task == "emotion" and not seen.has_audio and not seen.questions and not seen.warnings


def test_what_is_left_out_is_left_out_for_a_reason(tmp_path):
    path = table(
        tmp_path,
        text=said,
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
    seen = inspect_table(path)
    reasons = {name: why(seen, name) for name, role in roles(seen).items() if not role}
    assert reasons.keys() == {"same", "empty", "code", "valence", "loud", "place", "feeling"}
    assert "same in every row" in reasons["same"] and reasons["empty"] == "empty"
    assert "as an id" in reasons["code"] and "names of labels as well" in reasons["feeling"]
    assert "no input" in reasons["valence"] and "feature if known before" in reasons["loud"]


def test_a_column_that_tells_the_label_on_train_is_warned_of(tmp_path):
    part = {"split": lambda i: SPLITS[i // 4 % 3]}

    def code(i):
        return i % 3 if i // 4 % 3 == 0 else i % 4  # of dev and test it tells nothing

    seen = inspect_table(table(tmp_path, 60, text=said, mood=mood, code=code, other=lambda i: i % 5, **part))
    assert seen.warnings == ("'code' tells the label on train: never make it an input.",)
    assert "one label alone" in why(seen, "code")
    assert not inspect_table(table(tmp_path, 60, text=said, mood=mood, code=lambda i: i % 5, **part)).warnings


def test_numbers_that_are_never_the_same_and_lie_near_a_label_are_warned_of(tmp_path):
    draw = random.Random(0)
    near = table(tmp_path, 60, text=said, mood=mood, score=lambda i: MOODS.index(mood(i)) + draw.random() / 4)
    assert inspect_table(near).warnings == ("'score' tells the label on train: never make it an input.",)
    assert not inspect_table(table(tmp_path, 60, text=said, mood=mood, score=lambda i: draw.random())).warnings


def test_columns_of_numbers_are_labels_with_a_question_where_they_are_no_flags(tmp_path):
    flags = table(tmp_path, text=said, happy=lambda i: i % 2, ira=lambda i: i % 3 == 0, n=lambda i: i % 4)
    seen = inspect_table(flags)
    assert seen.settings["labels"] == ["happy", "ira"] and not seen.questions
    seen = inspect_table(table(tmp_path, text=said, happy=lambda i: i % 4, ira=lambda i: i % 2))
    assert "from 0 to 3" in seen.questions["threshold"]
    seen = inspect_table(table(tmp_path, text=said, mood=mood, happy=lambda i: i % 4, ira=lambda i: i % 2))
    assert roles(seen)["mood"] == "label" and "an intensity" in why(seen, "happy")


@pytest.mark.parametrize(
    ("cells", "separator", "task"),
    [
        (("joy|fear", "ira"), "|", "emotion"),
        (("joy, fear", "ira"), ",", "emotion"),
        ((["joy", "fear"], []), None, "emotion"),
        (("positive", "neg"), None, "sentiment"),
    ],
)
def test_lists_and_separators_and_sentiments_are_seen(tmp_path, cells, separator, task):
    seen = inspect_table(table(tmp_path, text=said, y=lambda i: cells[i % 2]))
    assert seen.settings["label"] == "y" and seen.task == task
    assert seen.settings.get("label_separator") == separator
    assert ("label_separator" in seen.questions) == bool(separator)


def test_unknown_words_stay_as_they_are_and_are_asked_for(tmp_path):
    seen = inspect_table(table(tmp_path, text=said, y=lambda i: ("joy", "hap", "exc", 'a"b')[i % 4]))
    assert seen.settings["names"] == {"exc": "exc", 'a"b': 'a"b'} and "exc (7)" in seen.questions["names"]
    seen = inspect_table(table(tmp_path, text=said, label=lambda i: i % 2))
    assert seen.settings["names"] == {"0": "0", "1": "1"} and "label" in seen.questions
    seen = inspect_table(table(tmp_path, 120, text=said, label=lambda i: f"w{i % 40}"))
    assert seen.settings["normalize"] is False and "names" not in seen.settings


def test_dialogues_and_speakers_that_no_split_can_keep_whole_are_left_out(tmp_path):
    twice = {"split": lambda i: SPLITS[i % 3], "dialogue": lambda i: f"d{i // 5}"}
    seen = inspect_table(table(tmp_path, text=said, mood=mood, **twice))
    assert roles(seen)["dialogue"] == "" and "several splits" in why(seen, "dialogue")
    seen = inspect_table(table(tmp_path, text=said, mood=mood, speaker=lambda i: "ab"[i % 2]))
    assert roles(seen)["speaker"] == "" and "2 groups cannot fill" in why(seen, "speaker")
    alone = {"dialogue": lambda i: f"d{i // 3}", "speaker": lambda i: f"s{i // 6}"}
    assert "group" in inspect_table(table(tmp_path, text=said, mood=mood, **alone)).questions
    both = {"dialogue": lambda i: f"d{i // 3}", "speaker": lambda i: f"s{i % 5}"}
    assert "group" not in inspect_table(table(tmp_path, text=said, mood=mood, **both)).questions


def test_clips_are_taken_where_they_are_and_few_texts_are_then_left_out(tmp_path):
    columns = {"file": lambda i: f"{i}.wav", "text": lambda i: SAID[i % 2], "mood": mood, "start": 0, "end": 1}
    gone = inspect_table(table(tmp_path, **columns))
    assert not gone.has_audio and gone.settings["audio"] == "file" and "are not there" in gone.warnings[0]
    for i in range(30):
        (tmp_path / f"{i}.wav").touch()
    times = {"start": lambda i: i / 10, "end": lambda i: i / 10 + 1}
    seen = inspect_table(table(tmp_path, **columns | times))
    assert seen.has_audio and "text" not in seen.settings and "2 different texts" in why(seen, "text")
    assert (seen.settings["start"], seen.settings["end"]) == ("start", "end")


@pytest.mark.parametrize(
    ("n", "columns", "complaint"),
    [
        (2, {"text": said, "mood": mood}, "Rows of .*: 2; train, dev and test need one each"),
        (30, {"text": said, "n": lambda i: i}, "no column holds names of emotions.*: text, n"),
        (30, {"mood": mood, "n": lambda i: i}, "no column of texts and no clips"),
        (30, {"mood": mood, "f": lambda i: f"{i}.wav"}, r"no clips\. The files in 'f' are not there"),
    ],
)
def test_a_table_that_cannot_be_a_corpus_is_refused(tmp_path, n, columns, complaint):
    with pytest.raises(CorpusError, match=complaint):
        inspect_table(table(tmp_path, n, **columns))


def test_the_recipe_reads_the_table_and_says_what_a_study_would_lack(tmp_path):
    path = table(tmp_path, 12, text=said, mood=lambda i: "joy" if i else "ira", part=lambda i: SPLITS[i > 8])
    found = init_recipe(path, out=tmp_path / "new" / "r.toml")
    assert found.splits == {"train": 9, "dev": 3, "test": 0}
    assert [sentence for sentence in found.inspection.warnings if "No row is of test" in sentence]
    assert [
        sentence
        for sentence in found.inspection.warnings
        if sentence.endswith("have: anger. They cannot be learned.")
    ]
    recipe = Recipe.load(found.path)
    assert len(read_corpus(recipe.data)) == 12 and found.inspection.warnings[0] in found.path.read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(("columns", "said_of_it"), [({"part": lambda i: SPLITS[(i > 20) * 2]}, "names no dev"),
                                                      ({}, "single rows were drawn")])  # fmt: skip
def test_what_is_drawn_is_said_before_it_is_used(tmp_path, columns, said_of_it):
    found = init_recipe(table(tmp_path, text=said, mood=mood, **columns), out=tmp_path / "r.toml")
    assert min(found.splits.values()) > 0 and said_of_it in " ".join(found.inspection.warnings)


def test_a_recipe_is_replaced_only_by_force(tmp_path):
    path = table(tmp_path, text=said, mood=mood)
    out = init_recipe(path, out=tmp_path / "r.toml").path
    out.write_text("mine")
    with pytest.raises(SentirError, match=r"r\.toml exists"):
        init_recipe(path, out=out)
    assert out.read_text() == "mine" and init_recipe(path, out=out, force=True) and out.read_text() != "mine"
    with pytest.raises(SentirError, match=r"written as \.toml"):
        init_recipe(path, out=tmp_path / "r.txt")


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
WORDS = st.one_of(st.sampled_from(["joy", "ira", "exc", "train", "test", "a.wav", "", "0", "1.5"]), NAMES)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.one_of(st.sampled_from(["text", "label", "speaker", "id", "dialogue", "joy"]), NAMES),
                   min_size=2, max_size=5, unique=True),
    data=st.data(),
)  # fmt: skip
def test_any_table_gives_a_recipe_that_reads_every_row_or_one_sentence(tmp_path, names, data):
    cells = st.lists(WORDS, min_size=len(names), max_size=len(names))
    rows = [dict(zip(names, one, strict=True)) for one in data.draw(st.lists(cells, min_size=1, max_size=9))]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    out = tmp_path / "r.toml"
    try:
        init_recipe(path, out=out, force=True)
    except CorpusError as error:
        assert "\n" not in str(error) or any("\n" in name for name in names)
        return
    assert tomllib.loads(out.read_text(encoding="utf-8"))["data"]["reader"] == "table"
    assert len(read_corpus(Recipe.load(out).data)) == len(rows)


@pytest.mark.shared_data
def test_the_tables_of_real_corpora_are_seen_for_what_they_are(shared_data):
    seen = inspect_table(shared_data / "ravdess" / "manifest.csv")
    assert seen.has_audio and seen.settings == {"audio": "path", "speaker": "speaker", "label": "label"}
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


@pytest.mark.parametrize(("odd", "named"), [("held-out", "'held-out'"), ("", "empty")])
def test_a_column_of_splits_with_odd_rows_is_not_passed_over_in_silence(tmp_path, odd, named):
    parts = ("train", "train", "validation", "test", odd)
    seen = inspect_table(table(tmp_path, text=said, mood=mood, part=lambda i: parts[i % 5]))
    (warning,) = seen.warnings
    assert "split" not in seen.settings and "'part' names splits" in warning and f"({named})" in warning


def test_a_column_that_tells_one_of_several_labels_is_warned_of(tmp_path):
    def both(i):
        return [name for name, on in (("joy", i % 3 == 0), ("sadness", i % 2 == 0)) if on]

    path = table(
        tmp_path, 80, text=said, emotions=both, level=lambda i: i + 1000 * (i % 2), other=lambda i: i * 7 % 11
    )
    assert inspect_table(path).warnings == ("'level' tells the label on train: never make it an input.",)


@pytest.mark.parametrize(
    ("happy", "ira", "asked"),
    [
        (("0,1", "0,8", "0,5"), ("1,25", "0", "1,125"), {"threshold": "from 0 to 1.25"}),
        (("no", "sí", "no"), ("Yes", "No", "No"), {}),
        (("falso", "VERDADERO", "falso"), ("1", "0", "0"), {}),
        (("x", "", ""), ("", "X", ""), {"labels": "empty cells in happy, ira"}),
    ],
)
def test_decimal_commas_yes_and_no_and_marks_are_intensities_and_flags(tmp_path, happy, ira, asked):
    path = table(tmp_path, text=said, happy=lambda i: happy[i % 3], ira=lambda i: ira[i % 3])
    seen = inspect_table(path)
    assert seen.settings["labels"] == ["happy", "ira"] and seen.questions.keys() == asked.keys()
    assert all(part in seen.questions[setting] for setting, part in asked.items())
    recipe = Recipe.load(init_recipe(path, out=tmp_path / "r.toml").path)
    corpus = read_corpus(recipe.data)
    assert corpus.label_space("emotion").names == ("anger", "joy") and all(
        "emotion" in u.labels for u in corpus.train
    )


def test_numbers_that_may_be_two_and_what_reading_decided_are_said(tmp_path):
    seen = inspect_table(table(tmp_path, text=said, mood=mood, pay=lambda i: ("1,234", "5")[i % 2]))
    assert [one for one in seen.warnings if "'pay' holds '1,234'" in one]
    path = tmp_path / "t.csv"
    lines = [f"{said(i)};{('alegría', 'ira', 'miedo')[i % 3]}" for i in range(9)]
    path.write_bytes("\n".join(["frase;emoción", *lines]).encode("cp1252"))
    assert [one for one in inspect_table(path).warnings if "read as cp1252: 4" in one]


def test_a_recipe_elsewhere_finds_the_table_from_anywhere(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    table(tmp_path / "data", text=said, mood=mood)
    monkeypatch.chdir(tmp_path)
    found = init_recipe("data/t.jsonl", out="recipes/r.toml")
    assert tomllib.loads(found.path.read_text(encoding="utf-8"))["data"]["root"] == "../data"
    monkeypatch.chdir(tmp_path / "data")
    assert len(read_corpus(Recipe.load(tmp_path / "recipes" / "r.toml").data)) == 30


def scenes(i):
    """Three seasons of episodes of scenes of five rows, as TV series are numbered."""
    return {"Season": i // 60 + 1, "Episode": i // 20 % 3 + 1, "Scene_ID": i // 5 % 4 + 1}


def talker(i):
    return ("Ana", "Bea", "Cy", "Di")[i * i % 7 % 4]


def test_columns_that_stand_together_are_offered_as_one_dialogue_and_words_that_return_as_speaker(tmp_path):
    parts = {name: lambda i, name=name: scenes(i)[name] for name in scenes(0)}
    path = table(tmp_path, 180, said=said, mood=mood, talker=talker, **parts)
    found = init_recipe(path, out=tmp_path / "r.toml")
    assert found.inspection.suggestions == {"dialogue": ["Season", "Episode", "Scene_ID"], "speaker": "talker"}
    text = found.path.read_text(encoding="utf-8")
    assert '# dialogue = ["Season", "Episode", "Scene_ID"]\n' in text and '# speaker = "talker"\n' in text
    assert (
        "belong to one dialogue" in found.inspection.questions["dialogue"]
        and "who speaks" in found.inspection.questions["speaker"]
    )
    for offer in ("dialogue", "speaker"):
        text = text.replace(f"# {offer} = ", f"{offer} = ")
    found.path.write_text(text, encoding="utf-8")
    dialogues = {u.dialogue for u in read_corpus(Recipe.load(found.path).data)}
    assert len(dialogues) == 36 and "t/1/1/1" in dialogues


def test_a_label_a_unique_column_and_one_that_is_cut_by_splits_are_not_offered(tmp_path):
    others = {"split": lambda i: SPLITS[i // 3 % 3], "code": lambda i: f"c{i % 3}"}
    cut = table(tmp_path, 90, text=said, mood=mood, block=lambda i: f"b{i // 9}", **others)
    assert inspect_table(cut).suggestions == {"speaker": "block"}
    plain = table(tmp_path, 90, text=said, mood=mood, n=lambda i: f"k{i}", side=lambda i: "ab"[i % 2])
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
PLAIN_ROWS = {
    "text": said,
    "label": mood,
    "speaker": lambda i: f"h{i % 9}",
    "dialogue": lambda i: f"d{i // 3}",
    "split": lambda i: ("entrenamiento", "validación", "prueba")[i // 9 % 3],
    "audio": lambda i: f"{i}.wav",
    "start": lambda i: i / 10,
    "end": lambda i: i / 10 + 1,
}


@pytest.mark.parametrize("role", list(SPANISH))
def test_spanish_headings_are_known_as_english_ones_in_any_case_with_or_without_accents(tmp_path, role):
    for i in range(90):
        (tmp_path / f"{i}.wav").touch()
    for heading in SPANISH[role].split():
        columns = {SPANISH[one].split()[0] if one != role else heading: make for one, make in PLAIN_ROWS.items()}
        found = inspect_table(table(tmp_path, 90, **columns)).settings
        assert found[role] == heading and found.keys() >= SPANISH.keys()


def test_a_draft_with_text_and_clips_has_both_together_and_learns_as_ravdess_does(tmp_path):
    for i in range(60):
        (tmp_path / f"{i}.wav").touch()
    path = table(tmp_path, 60, text=said, mood=mood, file=lambda i: f"{i}.wav", who=lambda i: f"s{i % 12}")
    recipe = Recipe.load(init_recipe(path, out=tmp_path / "r.toml").path)
    assert recipe.study.test is False
    plans = {one.name: one.recipe for one in plan_candidates(recipe)["emotion"]}
    assert [plans[name].model.kind for name in plans] == ["hybrid_transformer", "emotion_model", "multimodal"]
    ravdess = Recipe.load(RECIPES / "ravdess.toml").train
    for name in ("audio", "text and audio"):
        assert plans[name].train == ravdess and plans[name].model.audio.backbone == "mobilenetv3_small_050"
    assert ravdess.min_steps == 1800 and ravdess.passes_per_epoch(960 // ravdess.batch_size) == 1
    for clips in (200, 960, 20_000):
        steps = -(-clips // ravdess.batch_size)
        assert ravdess.passes_per_epoch(steps) * steps * ravdess.epochs >= 1800
    heard = table(tmp_path, 60, mood=mood, file=lambda i: f"{i}.wav")
    assert Recipe.load(init_recipe(heard, out=tmp_path / "a.toml").path).train == ravdess


def test_a_table_with_train_and_dev_alone_gives_a_recipe_that_needs_no_test(tmp_path):
    found = init_recipe(
        table(tmp_path, text=said, mood=mood, part=lambda i: SPLITS[i > 20]), out=tmp_path / "r.toml"
    )
    assert found.splits["test"] == 0 and Recipe.load(found.path).study.test is False


def test_a_draft_of_few_groups_has_a_seed_that_fills_every_split(tmp_path):
    for n in (3, 4, 5, 7):
        path = table(tmp_path, 60, text=said, mood=mood, speaker=lambda i, n=n: f"s{i % n}")
        found = init_recipe(path, out=tmp_path / "r.toml", force=True)
        assert min(found.splits.values()) > 0


def test_a_draft_for_texts_that_are_not_english_names_an_encoder_that_knows_the_language(tmp_path):
    path = table(tmp_path, frase=lambda i: f"No sé qué quieres de mí, pero es la frase {said(i)[-2:]}", mood=mood)
    found = init_recipe(path, out=tmp_path / "r.toml")
    text = found.path.read_text(encoding="utf-8")
    assert found.inspection.language == "Spanish" and '# backbone = "multilingual-minilm"\n' in text
    assert Recipe.load(found.path).model.backbone == "minilm"
    taken = text.replace('backbone = "minilm"\n', "").replace('# backbone = "multi', 'backbone = "multi')
    assert tomllib.loads(taken)["model"]["backbone"] == "multilingual-minilm"
    english = init_recipe(table(tmp_path, text=said, mood=mood), out=tmp_path / "e.toml")
    assert english.inspection.language == "" and "multilingual" not in english.path.read_text(encoding="utf-8")
