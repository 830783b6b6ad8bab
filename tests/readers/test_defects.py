"""Known defects of corpora: validated data, applied by id, described in the user's language."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Clip, Utterance
from sentir.i18n import LANGUAGES, use_language
from sentir.readers import defects
from sentir.readers.defects import Defect, apply_defects, load_defects

FILES = sorted(Path(defects.__file__).parent.glob("*.json"))


def defect(*ids, action="report", **changes):
    known = {"kind": "odd", "messages": {"en": "It is odd.", "es": "Es raro."}, "source": "a test"}
    return Defect(ids=ids, action=action, **known | changes)


NUMBERS = {"duration": 2.0, "pitch": 1.0}
ROWS = tuple(
    Utterance(f"u{n}", "train", text="hi", clip=Clip(Path(f"{n}.wav")), numeric_features=NUMBERS)
    for n in range(3)
)
CORPUS = Corpus.build("c", ROWS, ())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_files_are_complete(file):
    found = load_defects(file.stem)
    assert all(defect.ids and defect.source and set(defect.messages) == set(LANGUAGES) for defect in found)
    assert all(key.startswith(f"{file.stem}/") for defect in found for key in defect.ids)
    assert all(len(set(defect.ids)) == len(defect.ids) for defect in found)
    assert all(sentence.strip().endswith(".") for defect in found for sentence in defect.messages.values())


def test_there_is_a_file_for_meld():
    assert "meld" in {file.stem for file in FILES}


def test_report_lists_an_issue_and_changes_nothing():
    found = apply_defects(CORPUS, [defect("u1")])
    assert found.utterances == ROWS
    issues = [(i.kind, i.severity, i.message, i.where) for i in found.issues]
    assert issues == [("odd", "warning", "It is odd.", "u1")]


def test_drop_audio_removes_clip_and_duration_and_keeps_text_and_fingerprint():
    found = apply_defects(CORPUS, [defect("u0", "u2", action="drop_audio")])
    assert [u.clip is None for u in found] == [True, False, True] and {u.text for u in found} == {"hi"}
    assert [dict(u.numeric_features) for u in found] == [{"pitch": 1.0}, NUMBERS, {"pitch": 1.0}]
    assert [u.id for u in found] == [u.id for u in ROWS] and [i.where for i in found.issues] == ["u0", "u2"]
    assert found.fingerprint == CORPUS.fingerprint


def test_unknown_ids_are_ignored():
    assert apply_defects(CORPUS, [defect("meld/train/dia0/utt0", action="drop_audio")]) == CORPUS


def test_messages_are_in_the_current_language():
    with use_language("es"):
        assert apply_defects(CORPUS, [defect("u0")]).issues[0].message == "Es raro."


@pytest.mark.parametrize(
    "wrong",
    [{"action": "drop"}, {"messages": {"en": "Only English."}}, {"messages": {}}, {"ids": 3}, {"fix": "none"}],
)
def test_an_invalid_entry_is_rejected(wrong):
    known = {"ids": ("u0",), "kind": "odd", "messages": {"en": "a", "es": "b"}, "action": "report", "source": "s"}
    with pytest.raises((ValidationError, TypeError)):
        Defect(**known | wrong)
