"""Known defects of corpora: data that is checked, applied by id, and said in the user's language."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from sentir.corpus.types import Clip, Utterance
from sentir.i18n import LANGUAGES, in_language
from sentir.readers import defects
from sentir.readers.defects import Defect, apply_defects, load_defects

FILES = sorted(Path(defects.__file__).parent.glob("*.json"))


def defect(*ids, action="report", **changes):
    known = {"kind": "odd", "what": {"en": "It is odd.", "es": "Es raro."}, "source": "a test"}
    return Defect(ids=ids, action=action, **known | changes)


ROWS = [Utterance(f"u{n}", text="hi", clip=Clip(Path(f"{n}.wav"))) for n in range(3)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_files_hold_what_they_promise(file):
    found = load_defects(file.stem)
    assert all(defect.ids and defect.source and set(defect.what) == set(LANGUAGES) for defect in found)
    assert all(key.startswith(f"{file.stem}/") for defect in found for key in defect.ids)
    assert all(len(set(defect.ids)) == len(defect.ids) for defect in found)
    assert all(sentence.strip().endswith(".") for defect in found for sentence in defect.what.values())


def test_there_is_a_file_for_meld():
    assert "meld" in {file.stem for file in FILES}


def test_a_report_lists_and_changes_nothing():
    rows, issues = apply_defects(ROWS, [defect("u1")])
    assert rows == ROWS
    assert [(i.kind, i.severity, i.message, i.where) for i in issues] == [("odd", "warning", "It is odd.", "u1")]


def test_no_sound_takes_the_clip_and_leaves_the_text():
    rows, issues = apply_defects(ROWS, [defect("u0", "u2", action="no_sound")])
    assert [u.clip is None for u in rows] == [True, False, True] and {u.text for u in rows} == {"hi"}
    assert [u.id for u in rows] == [u.id for u in ROWS] and [i.where for i in issues] == ["u0", "u2"]


def test_ids_that_are_not_there_are_passed_over():
    assert apply_defects(ROWS, [defect("meld/train/dia0/utt0", action="no_sound")]) == (ROWS, [])


def test_a_defect_is_said_in_the_language_of_the_moment():
    with in_language("es"):
        assert apply_defects(ROWS, [defect("u0")])[1][0].message == "Es raro."


@pytest.mark.parametrize(
    "wrong", [{"action": "drop"}, {"what": {"en": "Only English."}}, {"what": {}}, {"ids": 3}, {"fix": "none"}]
)
def test_an_entry_that_is_none_of_ours_is_refused(wrong):
    known = {"ids": ("u0",), "kind": "odd", "what": {"en": "a", "es": "b"}, "action": "report", "source": "s"}
    with pytest.raises((ValidationError, TypeError)):
        Defect(**known | wrong)
