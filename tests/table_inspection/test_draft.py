"""Draft recipes of inspected tables run unchanged, with reasons, questions and warnings as comments."""

import json
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_tables import mood, table, words

from sentir.api import init_recipe
from sentir.corpus.utterances import SPLITS
from sentir.errors import CorpusError, SentirError
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.recognizer.model_checks import check_model
from sentir.study.plan import plan_candidates
from sentir.table_inspection.inspection import inspect_table
from sentir.training.setting_checks import unused_settings


def test_the_recipe_reads_the_table_and_warns_of_what_a_study_would_lack(tmp_path):
    path = table(tmp_path, 12, text=words, mood=lambda i: "joy" if i else "ira", part=lambda i: SPLITS[i > 8])
    draft = init_recipe(path, out=tmp_path / "new" / "r.toml")
    assert draft.splits == {"train": 9, "dev": 3, "test": 0}
    warnings = draft.inspection.warnings
    assert any("There are no test rows" in warning for warning in warnings)
    assert any(warning.endswith("which cannot be learned: anger.") for warning in warnings)
    assert len(read_corpus(Recipe.load(draft.path).data)) == 12
    assert warnings[0] in draft.path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("columns", "message"),
    [({"part": lambda i: SPLITS[(i > 20) * 2]}, "No dev in 'part'"), ({}, "rows were split at random")],
)
def test_a_random_split_is_among_the_warnings(tmp_path, columns, message):
    draft = init_recipe(table(tmp_path, text=words, mood=mood, **columns), out=tmp_path / "r.toml")
    assert min(draft.splits.values()) > 0 and message in " ".join(draft.inspection.warnings)


def test_a_recipe_is_replaced_only_by_force(tmp_path):
    path = table(tmp_path, text=words, mood=mood)
    out = init_recipe(path, out=tmp_path / "r.toml").path
    out.write_text("mine")
    with pytest.raises(SentirError, match=r"r\.toml exists"):
        init_recipe(path, out=out)
    assert out.read_text() == "mine" and init_recipe(path, out=out, force=True) and out.read_text() != "mine"
    with pytest.raises(SentirError, match=r"must be a \.toml file"):
        init_recipe(path, out=tmp_path / "r.txt")


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
WORDS = st.one_of(st.sampled_from(["joy", "ira", "exc", "train", "test", "a.wav", "", "0", "1.5"]), NAMES)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.one_of(st.sampled_from(["text", "label", "speaker", "id", "dialogue", "joy"]), NAMES),
                   min_size=2, max_size=5, unique=True),
    data=st.data(),
)  # fmt: skip
def test_any_table_gives_a_recipe_that_reads_every_row_or_an_error(tmp_path, names, data):
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


@pytest.mark.parametrize(
    ("happy", "ira", "questions"),
    [
        (("0,1", "0,8", "0,5"), ("1,25", "0", "1,125"), {"threshold": "from 0 to 1.25"}),
        (("no", "sí", "no"), ("Yes", "No", "No"), {}),
        (("falso", "VERDADERO", "falso"), ("1", "0", "0"), {}),
        (("x", "", ""), ("", "X", ""), {"labels": "empty cells in happy, ira"}),
    ],
)
def test_decimal_commas_yes_and_no_and_check_marks_are_intensities(tmp_path, happy, ira, questions):
    path = table(tmp_path, text=words, happy=lambda i: happy[i % 3], ira=lambda i: ira[i % 3])
    inspection = inspect_table(path)
    assert inspection.settings["labels"] == ["happy", "ira"] and inspection.questions.keys() == questions.keys()
    assert all(part in inspection.questions[setting] for setting, part in questions.items())
    recipe = Recipe.load(init_recipe(path, out=tmp_path / "r.toml").path)
    corpus = read_corpus(recipe.data)
    assert corpus.label_space("emotion").names == ("anger", "joy")
    assert all("emotion" in u.labels for u in corpus.train)


def test_a_recipe_in_another_folder_finds_the_table_from_anywhere(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    table(tmp_path / "data", text=words, mood=mood)
    monkeypatch.chdir(tmp_path)
    draft = init_recipe("data/t.jsonl", out="recipes/r.toml")
    assert tomllib.loads(draft.path.read_text(encoding="utf-8"))["data"]["root"] == "../data"
    monkeypatch.chdir(tmp_path / "data")
    assert len(read_corpus(Recipe.load(tmp_path / "recipes" / "r.toml").data)) == 30


def scenes(i):
    """Three seasons of episodes of scenes of five rows, as TV series are numbered."""
    return {"Season": i // 60 + 1, "Episode": i // 20 % 3 + 1, "Scene_ID": i // 5 % 4 + 1}


def speaker(i):
    return ("Ana", "Bea", "Cy", "Di")[i * i % 7 % 4]


def test_columns_of_adjacent_rows_are_suggested_as_dialogue_and_recurring_values_as_speaker(tmp_path):
    parts = {name: lambda i, name=name: scenes(i)[name] for name in scenes(0)}
    path = table(tmp_path, 180, said=words, mood=mood, talker=speaker, **parts)
    draft = init_recipe(path, out=tmp_path / "r.toml")
    assert draft.inspection.suggestions == {"dialogue": ["Season", "Episode", "Scene_ID"], "speaker": "talker"}
    text = draft.path.read_text(encoding="utf-8")
    assert '# dialogue = ["Season", "Episode", "Scene_ID"]\n' in text and '# speaker = "talker"\n' in text
    questions = draft.inspection.questions
    assert "one dialogue?" in questions["dialogue"] and "the speaker" in questions["speaker"]
    for setting in ("dialogue", "speaker"):
        text = text.replace(f"# {setting} = ", f"{setting} = ")
    draft.path.write_text(text, encoding="utf-8")
    dialogues = {u.dialogue for u in read_corpus(Recipe.load(draft.path).data)}
    assert len(dialogues) == 36 and "t/1/1/1" in dialogues


def test_a_draft_with_text_and_clips_combines_them_on_a_frozen_network(tmp_path):
    for i in range(60):
        (tmp_path / f"{i}.wav").touch()
    path = table(tmp_path, 60, text=words, mood=mood, file=lambda i: f"{i}.wav", who=lambda i: f"s{i % 12}")
    recipe = Recipe.load(init_recipe(path, out=tmp_path / "r.toml").path)
    assert recipe.study.test is False
    plans = {one.name: one.recipe for one in plan_candidates(recipe)["emotion"]}
    kinds = {"minilm": "hybrid_transformer", "audio": "emotion_model", "audio, kernel ridge": "emotion_model",
             "text and audio": "multimodal"}  # fmt: skip
    assert {name: one.model.kind for name, one in plans.items()} == kinds
    train = plans["audio"].train
    for name, one in plans.items():
        check_model(one.model)
        assert not unused_settings(one.model, one.train)
        if name != "minilm":
            assert (one.model.audio.backbone, one.model.audio.encoder) == ("efficientnet_lite0", "frozen")
    assert plans["text and audio"].train == train.model_copy(update={"weight_decay": 0.05})
    assert plans["audio, kernel ridge"].model.head == "kernel_ridge"
    assert train.min_steps == 900 and train.passes_per_epoch(960 // train.batch_size) == 1
    for clips in (200, 960, 20_000):
        steps = -(-clips // train.batch_size)
        assert train.passes_per_epoch(steps) * steps * train.epochs >= 900
    audio_only = table(tmp_path, 60, mood=mood, file=lambda i: f"{i}.wav")
    recipe = Recipe.load(init_recipe(audio_only, out=tmp_path / "a.toml").path)
    assert recipe.train == train
    assert [one.recipe.model.head for one in plan_candidates(recipe)["emotion"]] == ["mlp", "kernel_ridge"]


def test_a_draft_for_several_labels_has_no_head_for_one(tmp_path):
    for i in range(30):
        (tmp_path / f"{i}.wav").touch()
    path = table(tmp_path, happy=lambda i: i % 2, ira=lambda i: i % 3 // 2, file=lambda i: f"{i}.wav")
    draft = init_recipe(path, out=tmp_path / "r.toml")
    assert draft.inspection.settings["labels"] and Recipe.load(draft.path).study.candidates == {}


def test_a_table_with_only_train_and_dev_gives_a_recipe_without_test(tmp_path):
    path = table(tmp_path, text=words, mood=mood, part=lambda i: SPLITS[i > 20])
    draft = init_recipe(path, out=tmp_path / "r.toml")
    assert draft.splits["test"] == 0 and Recipe.load(draft.path).study.test is False


def test_a_draft_of_few_groups_has_a_seed_that_fills_every_split(tmp_path):
    for n in (3, 4, 5, 7):
        path = table(tmp_path, 60, text=words, mood=mood, speaker=lambda i, n=n: f"s{i % n}")
        draft = init_recipe(path, out=tmp_path / "r.toml", force=True)
        assert min(draft.splits.values()) > 0


def test_a_draft_for_texts_in_another_language_suggests_a_multilingual_encoder(tmp_path):
    path = table(
        tmp_path, frase=lambda i: f"No sé qué quieres de mí, pero es la frase {words(i)[-2:]}", mood=mood
    )
    draft = init_recipe(path, out=tmp_path / "r.toml")
    text = draft.path.read_text(encoding="utf-8")
    assert draft.inspection.language == "Spanish" and '# backbone = "mmbert-small"\n' in text
    assert Recipe.load(draft.path).model.backbone == "minilm"
    edited = text.replace('backbone = "minilm"\n', "").replace('# backbone = "mm', 'backbone = "mm')
    assert tomllib.loads(edited)["model"]["backbone"] == "mmbert-small"
    english = init_recipe(table(tmp_path, text=words, mood=mood), out=tmp_path / "e.toml")
    assert english.inspection.language == "" and "mmbert" not in english.path.read_text(encoding="utf-8")
