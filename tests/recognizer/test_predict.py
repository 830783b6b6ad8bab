"""`sentir.predict`: one prediction for every input, in order; an invalid input does not stop the others."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from audio_files import tone, write_wav

from sentir import predict
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError, NonFiniteError
from sentir.recognizer.predicting import _predict_usable

pytestmark = pytest.mark.usefixtures("one_store")


def outcomes(rows):
    return [(row.id, bool(row.labels), bool(row.problem)) for row in rows]


def test_one_item_gives_one_prediction_and_several_a_list(dialogue_model):
    assert predict(dialogue_model, "hi").text == "hi" and predict(dialogue_model, []) == []
    for texts in (
        ["a", "b"],
        (t for t in "ab"),
        pd.Series(["a", "b"]),
        np.array(["a", "b"]),
        {"a": 1, "b": 2}.keys(),
    ):
        assert [row.text for row in predict(dialogue_model, texts)] == ["a", "b"]


def test_a_value_that_is_not_text_is_the_problem_of_its_own_row(dialogue_model):
    texts = ["I am happy.", None, float("nan"), 7, b"hi", "", " \u200b", ["a"], pd.NA, "(laughs)", "She is fine."]
    rows = predict(dialogue_model, texts)
    kinds = {n: "text" for n in range(1, 12)} | dict.fromkeys((4, 8, 9), "item") | {5: "audio"}
    assert outcomes(rows) == [
        (f"{kinds.get(n, 'text')}{n}", n in (1, 11), n not in (1, 11)) for n in range(1, 12)
    ]
    assert rows[1].problem == rows[2].problem == rows[5].problem == rows[6].problem == "The text is empty."
    assert "7 (int)" in rows[3].problem and rows[4].problem == "There is no text." and "NAType" in rows[8].problem
    assert "cleaning" in rows[9].problem
    single = predict(dialogue_model, "I am happy.")
    assert rows[0].probabilities == pytest.approx(single.probabilities, abs=1e-6)
    assert rows[0].confidence == max(rows[0].probabilities.values())
    assert outcomes([predict(dialogue_model, None)]) == [("text1", False, True)]
    with pytest.raises(CorpusError, match=r"5 \(int\) cannot be predicted: give a text \(str\), a file \(Path\)"):
        predict(dialogue_model, 5)


@pytest.mark.parametrize("file", ["no\0name.wav", "nowhere.wav", "I am happy", "test_predict.py"])
def test_an_invalid_file_raises_one_sentence(dialogue_model, file, monkeypatch):
    monkeypatch.chdir(Path(__file__).parent)
    for items in (Path(file), ["I am happy.", Path(file)]):
        with pytest.raises(CorpusError, match=r"^[^\n]+\.$"):
            predict(dialogue_model, items)


@pytest.mark.parametrize("non_finite", [{"a"}, {"a", "b"}, {"a", "b", "c"}])
def test_non_finite_outputs_are_the_problem_of_their_own_rows(dialogue_model, monkeypatch, non_finite):
    compute = type(dialogue_model.backend).logits

    def logits(backend, batch):
        return compute(backend, batch) + np.where(batch["features"][:, :1] > 1e6, np.float32("inf"), 0)

    monkeypatch.setattr(type(dialogue_model.backend), "logits", logits)
    texts = {"a": "I am happy.", "b": "I am fine.", "c": "She is fine."}
    utterances = [
        Utterance(key, text=text, numeric_features={"duration": 1e9 * (key in non_finite)})
        for key, text in texts.items()
    ]
    outputs = _predict_usable(dialogue_model, utterances, None, None)
    assert set(outputs.problems) == non_finite and set(outputs.predictions) == set(texts) - non_finite
    with pytest.raises(NonFiniteError) as error:
        dialogue_model.predict_utterances(utterances)
    assert error.value.ids == non_finite


def test_texts_tables_and_conversations_give_every_row_once_in_order(dialogue_model, tmp_path):
    (tmp_path / "a.csv").write_text("id,text,mood\n1,I am glad.,x\n2,,y\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("text\nI am fine.\n", encoding="utf-8")
    (tmp_path / "c.jsonl").write_text('{"text": "So fine.", "id": 1}\nHi.\n', encoding="utf-8")
    paths = [tmp_path / name for name in ("a.csv", "b.csv", "c.jsonl")]
    rows = predict(dialogue_model, ["She is lonely.", "", *paths])
    assert [row.id for row in rows] == ["text1", "text2", "1", "2", f"{paths[1]}:1", "1", f"{paths[2]}:2"]
    assert [bool(row.problem) for row in rows] == [False, True, False, True, False, False, True]
    assert [row.table for row in rows] == ["", "", *map(str, (paths[0], paths[0], paths[1], paths[2], paths[2]))]
    assert rows[2].cells == {"id": "1", "text": "I am glad.", "mood": "x"}
    json.dumps([row.cells for row in rows])


def test_columns_are_named_as_in_the_models_recipe(dialogue_model, tmp_path):
    table = dialogue_model.recipe.data.table
    recipe = dialogue_model.recipe.override({"data": {"table": {"text": "said", "id": "key", "label": "l"}}})
    (tmp_path / "t.csv").write_text("key,said,text\nu7,I am glad.,no\n", encoding="utf-8")
    (row,) = predict(replace(dialogue_model, recipe=recipe), tmp_path / "t.csv")
    assert table is None and (row.id, row.text) == ("u7", "I am glad.")
    replace(dialogue_model, recipe=recipe).save_pretrained(tmp_path / "model")
    (again,) = predict(tmp_path / "model", tmp_path / "t.csv")
    assert (again.id, again.text) == ("u7", "I am glad.")


@pytest.fixture
def clips(tmp_path):
    """A table of texts and clips: short, silent, long, missing, empty, none, and neither text nor clip."""
    waveforms = {"short": tone(0.6), "silent": np.zeros(16_000, np.float32), "long": tone(3.5)}
    for name, waveform in waveforms.items():
        write_wav(tmp_path / f"{name}.wav", waveform, 16_000)
    (tmp_path / "empty.wav").touch()
    names = ["short.wav", "silent.wav", "long.wav", "nowhere.wav", "empty.wav", ""]
    rows = [{"text": "I am glad.", "audio": name} for name in names]
    rows += [{"text": "", "audio": name} for name in ("short.wav", "nowhere.wav", "")]
    rows += [{"text": "glad " * 30, "audio": "short.wav"}]
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


def test_every_row_notes_what_was_missing_or_unused(multimodal_model, clips):
    rows = predict(multimodal_model, clips)
    assert [bool(row.problem) for row in rows] == [False] * 7 + [True] * 2 + [False]
    assert all(bool(row.labels) != bool(row.problem) for row in rows)
    notes = [" ".join(row.notes) for row in rows]
    assert notes[0] == "The audio lasts only 0.60 s." and notes[1] == "The audio is silent."
    assert notes[2] == "Only the middle 2 s of its audio were used, of 3.5 s."
    assert notes[3].startswith("Predicted from the text only: There is no file ") and "nowhere.wav" in notes[3]
    assert notes[4].startswith("Predicted from the text only: ") and "empty.wav" in notes[4]
    assert notes[5] == "Predicted from the text only: There is no audio."
    assert notes[6] == "Predicted from the audio only: There is no text. The audio lasts only 0.60 s."
    assert "nowhere.wav" in rows[7].problem and rows[8].problem == "The text is empty. There is no audio."
    assert notes[9] == "The audio lasts only 0.60 s. Its text was truncated to 12 tokens."
    used = [("text", "audio")] * 3 + [("text",)] * 3 + [("audio",), (), (), ("text", "audio")]
    assert [row.modalities for row in rows] == used


def test_notes_of_decoding_are_among_the_notes(multimodal_model, clips, monkeypatch):
    from sentir.recognizer import modalities

    attach_audio = modalities.attach_audio

    def attach_with_note(utterances, **options):
        with_audio = attach_audio(utterances, **options)
        return [replace(u, audio=replace(u.audio, notes=("Truncated.",))) for u in with_audio]

    monkeypatch.setattr(modalities, "attach_audio", attach_with_note)
    assert all("Truncated." in row.notes for row in predict(multimodal_model, clips))


def test_a_single_clip_is_one_prediction_and_a_folder_a_list(multimodal_model, clips):
    clip = predict(multimodal_model, clips.parent / "long.wav")
    assert clip.id == str(clips.parent / "long.wav") and clip.modalities == ("audio",)
    rows = predict(multimodal_model, clips.parent)
    assert [Path(row.id).name for row in rows] == ["empty.wav", "long.wav", "short.wav", "silent.wav"]
    assert rows[1].probabilities == pytest.approx(clip.probabilities, abs=1e-6)
    with pytest.raises(CorpusError, match="is given twice"):
        predict(multimodal_model, [clips.parent / "long.wav"] * 2)
