"""Enrolled speakers: what predictions are normalized by, and what they never depend on; on every backend."""

import csv
from dataclasses import replace

import numpy as np
import pytest

import sentir
from sentir.errors import RecognizerError, SentirError
from sentir.recognizer.enrollment import Enrollment, SpeakerProfiles, normalize_speakers
from sentir.recognizer.recognizer import Recognizer

pytestmark = pytest.mark.usefixtures("one_store")
MODEL = "multimodal"  # with features of audio
KINDS = (MODEL, "speech")  # with a frozen speech encoder


@pytest.fixture(params=KINDS)
def recognizer(request, trained_models, backend):
    return trained_models.load(request.param, backend)


@pytest.fixture
def utterances(spoken):
    """Utterances of two speakers from outside, each on its own."""
    return [replace(u.blind(), split="", dialogue=u.id) for u in spoken.dev]


def items_of(utterances, *, named=True):
    return [
        {"id": u.id, "text": u.text, "audio": u.clip.path, **({"speaker": u.speaker} if named else {})}
        for u in utterances
    ]


def probabilities(predictions):
    return np.array([list(one.probabilities.values()) for one in predictions])


def test_enrolled_clips_change_predictions_and_no_others_do(recognizer, utterances):
    plain = recognizer.predict(utterances)
    ana = [u for u in utterances if u.speaker == "Ana"]
    enrolled = recognizer.predict(utterances, enroll=items_of(ana[:3]))
    changed = np.abs(probabilities(plain) - probabilities(enrolled)).max(axis=1) > 1e-6
    assert changed.tolist() == [u.speaker == "Ana" for u in utterances]
    notes = {u.speaker: one.notes[-1] for u, one in zip(utterances, enrolled, strict=True)}
    assert notes == {
        "Ana": "Normalized by speaker, with 3 other clips.",
        "Ben": "Not normalized by speaker: no clip of the speaker is enrolled.",
    }


def test_predictions_with_enrollment_do_not_depend_on_the_batch(recognizer, utterances):
    profiles = recognizer.enroll(items_of(utterances[:8]))
    together = probabilities(recognizer.predict(utterances, enroll=profiles))
    alone = [recognizer.predict(u, enroll=profiles) for u in reversed(utterances)]
    np.testing.assert_allclose(together[::-1], probabilities(alone), atol=1e-5)


def test_enrolling_the_inputs_takes_the_other_inputs_of_the_speaker(recognizer, utterances):
    predictions = probabilities(recognizer.predict(utterances, enroll_inputs=True))
    for n in (0, 1, 7):
        others = [u for u in utterances if u.speaker == utterances[n].speaker and u.id != utterances[n].id]
        expected = recognizer.predict(utterances[n], enroll=items_of(others))
        np.testing.assert_allclose(predictions[n], probabilities([expected])[0], atol=1e-5)


def test_clips_without_a_speaker_are_of_one_whoever_is_predicted(recognizer, utterances):
    ben = [u for u in utterances if u.speaker == "Ben"]
    nameless = recognizer.enroll(items_of(ben, named=False))
    assert nameless.num_clips == {"": len(ben)} and "7" not in repr(recognizer.enroll(items_of(ben[:2])))
    strangers = [replace(u, speaker=None) for u in ben]
    found = recognizer.predict(strangers, enroll=nameless)
    named = recognizer.predict(ben, enroll=items_of(ben))
    np.testing.assert_allclose(probabilities(found), probabilities(named), atol=1e-6)


def test_a_folder_a_table_and_a_file_of_profiles_enroll_the_same(recognizer, utterances, tmp_path):
    clips = [u.clip.path for u in utterances[:4]]
    folder, table = tmp_path / "clips", tmp_path / "clips.csv"
    folder.mkdir()
    for path in clips:
        (folder / path.name).write_bytes(path.read_bytes())
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([["audio", "speaker"], *([path, "Zoe"] for path in clips)])
    one = replace(utterances[5], speaker="Zoe")
    recognizer.enroll(folder).save(tmp_path / "profiles.npz")
    ways = [recognizer.predict(one, enroll=way) for way in (folder, table, tmp_path / "profiles.npz")]
    assert ways[0].probabilities == ways[1].probabilities == ways[2].probabilities
    assert ways[0].probabilities != recognizer.predict(one).probabilities


def test_a_saved_model_takes_the_profiles_of_the_original(recognizer, utterances, tmp_path):
    profiles = recognizer.enroll(items_of(utterances[:4]))
    recognizer.save_pretrained(tmp_path / "copy")
    copy = sentir.load(tmp_path / "copy")
    one = utterances[0]
    assert copy.predict(one, enroll=profiles).probabilities == pytest.approx(
        recognizer.predict(one, enroll=profiles).probabilities, abs=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_profiles_hold_across_backends(kind, trained_models, utterances):
    trained, exported = (trained_models.load(kind, backend) for backend in ("torch", "onnx"))
    profiles = trained.enroll(items_of(utterances[:6]))
    found = [probabilities(model.predict(utterances, enroll=profiles)) for model in (trained, exported)]
    np.testing.assert_allclose(*found, atol=1e-5)


def test_missing_audio_is_not_enrolled_and_not_normalized(recognizer, utterances):
    if "text" not in recognizer.modalities:
        pytest.skip("an utterance without text and audio has no prediction")
    silent = replace(utterances[0], id="silent", clip=None)
    predictions = recognizer.predict([*utterances, silent], enroll_inputs=True)
    without = recognizer.predict(utterances, enroll_inputs=True)
    np.testing.assert_allclose(probabilities(predictions[:-1]), probabilities(without), atol=1e-6)
    assert predictions[-1].probabilities == pytest.approx(recognizer.predict(silent).probabilities, abs=1e-6)
    assert not any("speaker" in note for note in predictions[-1].notes)


def test_only_features_of_audio_are_normalized(trained_models, utterances):
    recognizer = trained_models.load(MODEL, "torch")
    inputs = recognizer.preprocess(utterances)
    columns, normalizer = recognizer.preprocessor.speaker_columns, recognizer.speaker_normalizer
    enrolled, _notes = normalize_speakers(
        normalizer, columns, inputs, [u.speaker for u in utterances], Enrollment(from_inputs="others")
    )
    assert columns.features.sum() == len(normalizer.means)
    for name, array in inputs.arrays.items():
        assert (name == "features") == (not np.array_equal(array, enrolled.arrays[name]))


def test_earlier_inputs_are_those_before_it_in_this_call_and_in_earlier_ones(recognizer, utterances):
    names = ["Ana", "Ben", None, "Ana", None, "Ana"]
    some = [replace(u, speaker=name) for u, name in zip(utterances, names, strict=False)]
    enrollment = recognizer.make_enrollment(None, "earlier")
    found = recognizer.predict_tasks(some, enrollment=enrollment)["emotion"]
    for cut in (1, 3, 5):
        later = enrollment
        for is_named in (True, False):
            if before := [u for u in some[:cut] if bool(u.speaker) == is_named]:
                later = later.after(recognizer.profile_speakers(before))
        rest = recognizer.predict_tasks(some[cut:], enrollment=later)["emotion"]
        np.testing.assert_allclose(rest.probabilities, found.probabilities[cut:], atol=1e-6)
    before = [u for n, u in enumerate(some[:5]) if names[n] == "Ana"]
    by_clips = recognizer.predict(some[5], enroll=before).probabilities
    assert list(by_clips.values()) == pytest.approx(found.probabilities[5].tolist(), abs=1e-6)
    alone = recognizer.predict(some[0]).probabilities
    assert list(alone.values()) == pytest.approx(found.probabilities[0].tolist(), abs=1e-6)


def test_labels_and_order_change_nothing(recognizer, spoken):
    utterances = [replace(u, dialogue=u.id) for u in spoken.train[:8]]
    shuffled = utterances[::-1]
    relabeled = [replace(u, labels={"emotion": ("joy",)}) for u in shuffled]
    found = [
        {one.id: one.probabilities for one in recognizer.predict(some, enroll_inputs=True)}
        for some in (utterances, shuffled, relabeled)
    ]
    assert found[1] == found[2]
    for key, one in found[0].items():
        assert found[1][key] == pytest.approx(one, abs=1e-5)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 40])
def test_damaged_profiles_are_one_sentence(content, tmp_path):
    path = tmp_path / "profiles.npz"
    path.write_bytes(content)
    with pytest.raises(RecognizerError, match=r"cannot be read .*enroll the clips again"):
        SpeakerProfiles.load(path)


def test_pickled_profiles_are_refused(tmp_path):
    path = tmp_path / "profiles.npz"
    np.savez(path, speakers=np.array([{"a": 1}], dtype=object), **{"0.counts": np.zeros((1, 1))})
    with pytest.raises(RecognizerError, match="cannot be read"):
        SpeakerProfiles.load(path)


def test_what_cannot_be_enrolled_is_an_error(trained_models, utterances, tmp_path):
    recognizer = trained_models.load(MODEL, "torch")
    items = items_of(utterances[:2])
    with pytest.raises(RecognizerError, match="Only some of the clips"):
        recognizer.enroll([items[0], {"audio": items[1]["audio"]}])
    with pytest.raises(RecognizerError, match="another model"):
        recognizer.predict(utterances, enroll=SpeakerProfiles({"other": {}}))
    with pytest.raises(SentirError):
        recognizer.enroll(["a text is no clip"])
    plain = trained_models.load("stacked", "torch")
    for call in (lambda: plain.enroll(items), lambda: plain.predict(utterances, enroll_inputs=True)):
        with pytest.raises(RecognizerError, match="no speaker normalization"):
            call()


def test_a_recipe_and_its_normalizer_are_saved_together(trained_models, tmp_path):
    folder = trained_models.folder(MODEL, "torch")
    tree = (folder / "sentir.json").read_text()
    for file in folder.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "sentir.json").write_text(
        tree.replace('"speaker_normalization": true', '"speaker_normalization": false')
    )
    with pytest.raises(RecognizerError, match="speaker normalization is not that of the recipe"):
        Recognizer.from_pretrained(tmp_path)
