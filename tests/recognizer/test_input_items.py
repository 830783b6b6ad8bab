"""Items in memory: each kind gives what the same text or the same file gives."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from audio_files import tone, write_wav
from hypothesis import given
from hypothesis import strategies as st
from tiny_corpora import spoken_recipe, tiny_recipe

from sentir import Clip, Utterance
from sentir.errors import AudioError, CorpusError, SentirError
from sentir.recognizer.inputs import make_inputs
from sentir.training.recognizers import fit_recognizer

pytestmark = pytest.mark.usefixtures("one_store")


@pytest.fixture(scope="module")
def text_model(corpus, weights):
    return fit_recognizer(tiny_recipe(weights, model={"context": "dialogue"}), corpus)[0]


@pytest.fixture(scope="module")
def multimodal_model(spoken, weights):
    settings = {"model": {"kind": "multimodal", "features": ["functionals"]}, "train": {"epochs": 1}}
    return fit_recognizer(spoken_recipe(weights, **settings), spoken)[0]


@pytest.fixture(scope="module")
def samples():
    return (0.4 * tone(1.3, 700)).astype(np.float32)


def probabilities(prediction):
    assert not prediction.problem, prediction.problem
    return list(prediction.probabilities.values())


def in_memory(samples, **options):
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, format="WAV", **options)
    return file.getvalue()


def test_a_clip_gives_the_same_numbers_from_a_path_bytes_a_file_object_and_an_array(
    multimodal_model, samples, tmp_path
):
    path = write_wav(tmp_path / "a.wav", samples, 16_000)
    exact = in_memory(samples, subtype="FLOAT")
    (tmp_path / "b.wav").write_bytes(exact)
    predict = multimodal_model.predict
    expected = probabilities(predict(tmp_path / "b.wav"))
    for item in (exact, bytearray(exact), memoryview(exact), io.BytesIO(exact), {"audio": exact}):
        assert probabilities(predict(item)) == expected
    for array in (samples, samples.astype(np.float64), torch.from_numpy(samples)):
        assert probabilities(predict(array, sampling_rate=16_000)) == expected
    with path.open("rb") as file:
        assert probabilities(predict(file)) == probabilities(predict(path))
    given_rate = {"audio": samples, "sampling_rate": 16_000}
    paths = [{"audio": str(tmp_path / "b.wav")}, Utterance("u", clip=Clip(tmp_path / "b.wav")), given_rate]
    for one in predict(paths):
        assert probabilities(one) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint8"])
def test_integers_are_scaled_as_in_a_wav(multimodal_model, samples, dtype, tmp_path):
    subtype = {"int16": "PCM_16", "int32": "PCM_32", "uint8": "PCM_U8"}[dtype]
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 16_000, subtype=subtype)
    if dtype == "uint8":
        whole = np.round((soundfile.read(path)[0] + 1) * 128).astype(np.uint8)
    else:
        whole = soundfile.read(path, dtype=dtype)[0]
    predicted = multimodal_model.predict(whole, sampling_rate=16_000)
    assert probabilities(predicted) == probabilities(multimodal_model.predict(path))


def test_another_sampling_rate_is_resampled_as_in_a_file(multimodal_model, tmp_path):
    samples = np.sin(np.arange(30_000) / 9).astype(np.float32) / 3
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 22_050, subtype="FLOAT")
    predicted = multimodal_model.predict(samples, sampling_rate=22_050)
    assert probabilities(predicted) == probabilities(multimodal_model.predict(path))


@pytest.mark.parametrize(
    ("array", "rate", "why"),
    [
        (np.zeros(16_000), None, "needs its sampling rate"),
        (np.zeros(16_000), 0, "sampling rate 0 is impossible"),
        (np.zeros(16_000), 8000.5, "is impossible"),
        (np.zeros(16_000), "16000", "is impossible"),
        (np.zeros(16_000), True, "is impossible"),
        (np.zeros(16_000), 10**9, "is impossible"),
        (np.zeros((2, 16_000)), 16_000, r"have the shape \(2, 16000\); average the channels"),
        (np.zeros(16_000, dtype=np.int64), 16_000, "not int64"),
        (np.zeros(16_000, dtype=complex), 16_000, "not complex128"),
        (np.zeros(16_000, dtype=bool), 16_000, "not bool"),
    ],
)
def test_an_impossible_array_is_an_error_or_a_problem_in_a_list(multimodal_model, samples, array, rate, why):
    with pytest.raises(AudioError, match=why):
        multimodal_model.predict(array, sampling_rate=rate)
    good = {"audio": samples, "sampling_rate": 16_000}
    listed = [{"audio": array, "sampling_rate": rate}, array, good]
    bad, also_bad, fine = multimodal_model.predict(listed, sampling_rate=rate)
    assert bad.problem and also_bad.problem and not fine.problem
    with_text = multimodal_model.predict({"audio": array, "sampling_rate": rate, "text": "I am happy."})
    assert with_text.modalities == ("text",) and "Predicted from the text only" in with_text.notes[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_samples_that_no_file_may_have_are_refused(multimodal_model, samples, value):
    broken = samples.copy()
    broken[100] = value
    assert "cannot be used" in multimodal_model.predict(broken, sampling_rate=16_000).problem
    assert "cannot be used" in multimodal_model.predict(in_memory(broken, subtype="FLOAT")).problem


def test_bytes_that_are_no_audio_and_empty_ones_are_problems(multimodal_model):
    for content in (b"", b"RIFF", b"no audio at all" * 99):
        problem = multimodal_model.predict(content).problem
        assert " audio1 " in problem and "\n" not in problem
    assert multimodal_model.predict(np.zeros(0), sampling_rate=16_000).problem
    assert multimodal_model.predict(np.zeros(10), sampling_rate=16_000).problem


def test_a_segment_of_audio_in_memory(multimodal_model, samples, tmp_path):
    (tmp_path / "a.wav").write_bytes(in_memory(np.tile(samples, 3)))
    times = {"start": 0.5, "end": 1.75}
    one, two = multimodal_model.predict(
        [{"audio": path, **times} for path in (tmp_path / "a.wav", (tmp_path / "a.wav").read_bytes())]
    )
    assert probabilities(one) == pytest.approx(probabilities(two), abs=1e-6)
    invalid = multimodal_model.predict({"audio": samples, "sampling_rate": 16_000, "start": 2, "end": 1})
    assert "time range" in invalid.problem


def test_rows_of_hugging_face_data_sets_are_dictionaries(multimodal_model, samples):
    expected = probabilities(multimodal_model.predict(samples, sampling_rate=16_000))
    for audio in ({"array": samples, "sampling_rate": 16_000, "path": "a.wav"},
                  {"bytes": in_memory(samples, subtype="FLOAT"), "path": None}):  # fmt: skip
        assert probabilities(multimodal_model.predict({"audio": audio})) == expected
    assert "'audio' must be a path" in multimodal_model.predict({"audio": {"x": 1}}).problem


def test_file_objects_that_cannot_be_read_are_one_sentence(multimodal_model):
    closed = io.BytesIO(b"x")
    closed.close()
    for file, why in ((closed, "cannot be read"), (io.StringIO("x"), "open it with mode 'rb'")):
        with pytest.raises(CorpusError, match=why):
            multimodal_model.predict(file)
        one, listed = multimodal_model.predict([{"audio": file}, file])
        assert why in one.problem and why in listed.problem


def test_dictionaries_of_one_dialogue_are_its_turns(text_model, tmp_path):
    turns = [
        {"text": "I am happy.", "speaker": "Ana", "dialogue": 7},
        {"text": "She is lonely.", "dialogue": "other"},
        {"text": "They look fine!", "speaker": "Ben", "dialogue": 7},
        {"text": "I am happy."},
    ]
    rows = make_inputs(turns).rows
    assert [(one.utterance.dialogue, one.utterance.turn) for one in rows] == [
        ("dialogue 7", 0), ("dialogue other", 0), ("dialogue 7", 1), ("item4", 0),
    ]  # fmt: skip
    predicted = text_model.predict(turns)
    table = tmp_path / "t.csv"
    pd.DataFrame(turns).to_csv(table, index=False)
    for other in (text_model.predict(table), text_model.predict(pd.DataFrame(turns))):
        for one, two in zip(predicted, other, strict=True):
            assert probabilities(one) == pytest.approx(probabilities(two), abs=1e-6)
    assert probabilities(predicted[0]) != pytest.approx(probabilities(predicted[3]), abs=1e-4)
    as_utterances = [one.utterance for one in rows]
    assert [row.labels for row in text_model.predict(as_utterances)] == [row.labels for row in predicted]


def test_other_keys_are_carried_along_and_numbers_are_features():
    (row,) = make_inputs({"id": 5, "text": "Hi.", "duration": 2, "mood": "joy", "ok": True, "bad": np.inf}).rows
    assert row.utterance.numeric_features == {"duration": 2.0}
    assert dict(row.row) == {
        "id": "5", "text": "Hi.", "duration": "2", "mood": "joy", "ok": "True", "bad": "inf",
    }  # fmt: skip


def test_an_utterance_keeps_its_id_and_its_labels_stay_out():
    u = Utterance("mine", text="Hi.", speaker="Ana", labels={"emotion": ("joy",)})
    inputs = make_inputs(u)
    assert inputs.is_single and inputs.rows[0].utterance == u.blind() and inputs.rows[0].id == "mine"
    with pytest.raises(CorpusError, match="mine is given twice"):
        make_inputs([u, u])


def test_a_frame_with_missing_and_numeric_cells_is_a_table(text_model):
    cells = {"id": [1, 2, 3], "text": ["I am happy.", None, "5"], "pitch": [1.5, np.nan, 2]}
    frame = pd.DataFrame(cells, index=[9, 9, 9])
    rows = make_inputs(frame).rows
    assert [(row.id, row.utterance.text) for row in rows] == [("1", "I am happy."), ("2", ""), ("3", "5")]
    assert [dict(row.utterance.numeric_features) for row in rows] == [{"pitch": 1.5}, {}, {"pitch": 2.0}]
    assert [bool(row.problem) for row in text_model.predict(frame)] == [False, True, False]
    assert text_model.predict(frame.rename(columns={"text": "said"}), columns={"text": "said"})[0].id == "1"
    assert make_inputs(frame[:0]).rows == []
    with pytest.raises(CorpusError, match=r"DataFrame has no column 'text' or 'audio'"):
        make_inputs(frame[["id"]])
    with pytest.raises(CorpusError, match="two columns 'text'"):
        make_inputs(pd.concat([frame, frame], axis=1)[["text", "text"]])


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.complex_numbers(),
    st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.binary(), st.none())),
    st.fixed_dictionaries(
        {}, optional={key: st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.binary())
                      for key in ("text", "audio", "speaker", "dialogue", "sampling_rate", "start", "id")},
    ),
    st.lists(st.integers(), max_size=2), st.just(object()), st.just(Path("x").__class__),
)  # fmt: skip


@given(st.lists(ANYTHING, max_size=5))
def test_anything_in_a_list_becomes_one_row_with_an_id(items):
    rows = make_inputs(items).rows
    assert len(rows) == len(items) and all(row.id and "\n" not in row.problem for row in rows)


@given(ANYTHING.filter(lambda item: not isinstance(item, list)))
def test_anything_alone_is_one_input_or_one_sentence(item):
    try:
        inputs = make_inputs(item)
    except SentirError as error:
        assert "\n" not in str(error) and str(error).endswith(".")
    else:
        assert inputs.is_single and len(inputs.rows) == 1
