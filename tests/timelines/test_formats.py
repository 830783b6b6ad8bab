"""Annotation formats: round trips, other libraries as oracles, and files of other programs."""

import csv
import io
import json
import logging

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sentir.errors import TimelineError
from sentir.safe_text import make_printable
from sentir.timelines.document import Source, Turn, sort_turns
from sentir.timelines.formats import FORMATS, find_losses, read_all_turns, read_turns
from sentir.timelines.timeline import Timeline

LABELS = ("joy", "no label", "tristeza y más", "a|b", "50%", "–", "<NA>", "]x[")
AWKWARD = ["", "hi", 'say "no"', "a\tb", "a\nb", "a\n\n\nb", "مرحبا", "日本 語", "[joy 0.50] x", "Ana: hi",
           "1\n2", "-->", "<v Bo>&amp;", " x ", "50%20", "\r", "\u2028", "é\u0301", "NOTE", "–", "12:30",
           "\x1f"]  # fmt: skip
texts = st.sampled_from(AWKWARD) | st.text(max_size=12)
names = st.sampled_from(
    ["Ana", "Ana María", "الف", 'O"Hara', "a:b", "S\t1", "<NA>", "–", "five words are too many"]
) | st.text(min_size=1, max_size=8)


@st.composite
def turns(draw, timed=True):
    start = round(draw(st.floats(0, 5000)), 9)
    labels = tuple(draw(st.lists(st.sampled_from(LABELS), max_size=2, unique=True)))
    return Turn(
        start if timed else None,
        round(start + draw(st.floats(0.002, 90)), 9) if timed else None,
        draw(st.none() | names),
        draw(st.none() | texts),
        labels,
        {label: draw(st.integers(0, 1000)) / 1000 for label in LABELS[:3]} if labels else {},
        confidence=draw(st.none() | st.integers(0, 100).map(lambda n: n / 100)),
        notes=tuple(draw(st.lists(texts.filter(bool), max_size=2))),
        problem=draw(st.sampled_from(["", "no audio"])),
    )


def timeline_of(some, **fields):
    return Timeline(sort_turns(some), Source("talk one.wav", "0" * 64, 6000.0), "emotion", LABELS, **fields)


timed = st.lists(turns(), min_size=1, max_size=5).map(timeline_of)


def write_and_read(timeline, path):
    chosen = FORMATS[path.name.partition(".")[0]]
    chosen.write(timeline, path)
    return chosen.read(path)


@pytest.mark.parametrize("name", [key for key, one in FORMATS.items() if one.is_read])
@settings(max_examples=15)
@given(timeline=timed)
def test_what_is_written_is_read_or_said_to_be_lost(name, timeline, tmp_path_factory):
    read = write_and_read(timeline, tmp_path_factory.getbasetemp() / f"{name}{FORMATS[name].suffix}")
    lost = find_losses(timeline, read)
    may_lose = {
        "json": {}, "jsonl": {}, "csv": {"text", "notes"}, "parquet": {},
        "rttm": {"text", "probabilities", "notes", "problem"},
        "txt": {"start", "end", "text", "labels", "probabilities", "notes", "problem", "speaker"},
    }.get(name, {"text", "speaker", "probabilities", "notes", "problem"})  # fmt: skip
    assert set(lost) <= set(may_lose), lost
    if name != "txt":
        assert sum(map(len, read.values())) == len(timeline)


@pytest.mark.parametrize("name", ["json", "jsonl", "csv", "parquet", "rttm", "textgrid"])
@settings(max_examples=12)
@given(timeline=timed)
def test_times_keep_every_decimal(name, timeline, tmp_path_factory):
    read = write_and_read(timeline, tmp_path_factory.getbasetemp() / f"{name}{FORMATS[name].suffix}")
    found = sorted((turn.start, turn.end) for some in read.values() for turn in some)
    expected = sorted((turn.start, turn.end) for turn in timeline.turns)
    tolerance = 1e-9 if name == "parquet" else 0
    assert all(
        abs(a - b) <= tolerance for x, y in zip(found, expected, strict=True) for a, b in zip(x, y, strict=True)
    )


plain = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=12
).filter(lambda text: text.strip() == text and make_printable(text) == text)


MARKUP = ["[", "]", "[]", "[Ana]", "[Ana", "<i>", "</b>", "{\\an8}", "<v Bo>", "[joy 0.50]", "&amp;"]


@pytest.mark.parametrize("name", ["srt", "vtt", "eaf", "textgrid", "labelstudio"])
@settings(max_examples=15)
@given(
    some=st.lists(
        st.tuples(
            st.integers(0, 10**6), st.integers(1, 9999), st.none() | plain | st.sampled_from(MARKUP), plain
        ),
        min_size=1,
    )
)
@example(some=[(0, 500, speaker, "0") for speaker in MARKUP])
def test_printable_turns_come_back_equal(name, some, tmp_path_factory):
    if name == "srt":  # whose tags have no escape
        assume(not any(letter in text for *_, text in some for letter in "<{"))
    timeline = timeline_of(
        [
            Turn(
                start / 1000,
                (start + length) / 1000,
                speaker if speaker is None else " ".join(speaker.split()),
                text,
                ("joy",),
                confidence=0.5,
            )
            for start, length, speaker, text in some
        ]
    )
    lost = find_losses(
        timeline, write_and_read(timeline, tmp_path_factory.getbasetemp() / f"{name}{FORMATS[name].suffix}")
    )
    assert lost == {}


def test_losses_are_logged(tmp_path, caplog):
    caplog.set_level(logging.INFO, "sentir")
    timeline_of([Turn(0, 1, "Ana", "hi", ("joy",), {"joy": 1.0})]).save(tmp_path / "a.rttm")
    assert "Not everything fits in .rttm: texts, probabilities." in caplog.text


def test_text_alone_needs_a_format_without_times(tmp_path):
    timeline = Timeline((Turn(speaker="Ana", text="hi"),))
    with pytest.raises(TimelineError, match="without times"):
        timeline.save(tmp_path / "a.srt")
    timeline.save(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "Ana: hi\n"
    with pytest.raises(TimelineError, match="suffixes"):
        timeline.save(tmp_path / "a.docx")
    with pytest.raises(TimelineError, match="no format 'doc'"):
        timeline.save(tmp_path / "a", format="doc")


@pytest.fixture
def talk():
    return timeline_of([
        Turn(0.5, 2.25, "Ana María", 'I "got" it', ("joy",), {"joy": 0.8}, confidence=0.8),
        Turn(2.0, 3.125, "Bo", "no & <never>", ("no label",), {"joy": 0.1}, confidence=0.9),
        Turn(4.0, 5.0, None, None, ("a|b", "joy"), {"joy": 0.5}, confidence=0.5),
    ])  # fmt: skip


def test_elan_by_pympi(talk, tmp_path):
    import pympi

    talk.save(tmp_path / "a.eaf")
    eaf = pympi.Elan.Eaf(str(tmp_path / "a.eaf"))
    assert [tier for tier in eaf.get_tier_names()] == [
        "speaker",
        "text",
        "emotion",
        "speaker 2",
        "text 2",
        "emotion 2",
    ]
    assert eaf.get_annotation_data_for_tier("text") == [(500, 2250, 'I "got" it')]
    assert eaf.get_annotation_data_for_tier("emotion") == [(500, 2250, "joy"), (4000, 5000, "a%7Cb|joy")]
    assert eaf.get_annotation_data_for_tier("speaker 2") == [(2000, 3125, "Bo")]


def test_elan_of_pympi(tmp_path):
    import pympi

    eaf = pympi.Elan.Eaf()
    eaf.add_tier("Ana-words", part="Ana")
    eaf.add_annotation("Ana-words", 100, 900, "hola")
    eaf.add_tier("Bo")
    eaf.add_annotation("Bo", 800, 1500, "qué")
    eaf.to_file(str(tmp_path / "a.eaf"))
    assert read_turns(tmp_path / "a.eaf") == [Turn(0.1, 0.9, "Ana", "hola"), Turn(0.8, 1.5, "Bo", "qué")]


def test_textgrid_by_praatio(talk, tmp_path):
    from praatio import textgrid

    talk.save(tmp_path / "a.TextGrid")
    grid = textgrid.openTextgrid(str(tmp_path / "a.TextGrid"), includeEmptyIntervals=False)
    assert [tuple(one) for one in grid.getTier("text").entries] == [(0.5, 2.25, 'I "got" it')]
    assert [tuple(one) for one in grid.getTier("speaker 2").entries] == [(2.0, 3.125, "Bo")]
    assert grid.maxTimestamp == 6000


@pytest.mark.parametrize("kind", ["short_textgrid", "long_textgrid"])
def test_textgrid_of_praatio(kind, tmp_path):
    from praatio import textgrid

    grid = textgrid.Textgrid()
    grid.addTier(textgrid.IntervalTier("Ana", [(0.25, 1, 'so "what"!'), (1, 2, "2 4")], 0, 3))
    grid.addTier(textgrid.PointTier("tones", [(0.5, "H*")], 0, 3))
    grid.save(str(tmp_path / "a.TextGrid"), format=kind, includeBlankSpaces=True)
    assert read_turns(tmp_path / "a.TextGrid") == [Turn(0.25, 1, "Ana", 'so "what"!'), Turn(1, 2, "Ana", "2 4")]


@pytest.mark.parametrize("suffix", ["srt", "vtt"])
def test_subtitles_by_webvtt(talk, suffix, tmp_path):
    import webvtt

    path = tmp_path / f"a.{suffix}"
    talk.save(path)
    cues = list(webvtt.read(str(path)) if suffix == "vtt" else webvtt.from_srt(str(path)))
    assert [(cue.start_in_seconds, cue.end_in_seconds) for cue in cues] == [(0, 2), (2, 3), (4, 5)]
    assert [cue.start for cue in cues] == ["00:00:00.500", "00:00:02.000", "00:00:04.000"]
    if suffix == "vtt":
        assert [cue.voice for cue in cues] == ["Ana María", "Bo", None]
        assert cues[0].text == '[joy 0.80] I "got" it'
    else:
        assert cues[0].text == '[joy 0.80] Ana María: I "got" it'


def test_table_by_audformat(talk, tmp_path):
    import audformat
    import pandas as pd

    frame = talk.to_frame()
    assert audformat.is_segmented_index(frame)
    talk.save(tmp_path / "a.csv")
    table = pd.read_csv(tmp_path / "a.csv")
    index = audformat.segmented_index(table["file"], table["start"], table["end"])
    pd.testing.assert_index_equal(index, frame.index, exact=False)
    talk.save(tmp_path / "a.parquet")
    stored = pd.read_parquet(tmp_path / "a.parquet").set_index(["file", "start", "end"])
    assert audformat.is_segmented_index(stored)
    pd.testing.assert_index_equal(stored.index, frame.index)


def test_rttm_has_the_columns_of_nist(talk, tmp_path):
    talk.save(tmp_path / "a.rttm")
    lines = [line.split(" ") for line in (tmp_path / "a.rttm").read_text().splitlines()]
    assert lines[0] == [
        "SPEAKER",
        "talk%20one",
        "1",
        "0.5",
        "1.75",
        "<NA>",
        "joy",
        "Ana%20María",
        "0.800000",
        "<NA>",
    ]
    assert lines[2][7] == "<NA>" and {len(line) for line in lines} == {10}


def test_rttm_of_several_recordings(tmp_path):
    path = tmp_path / "all.rttm"
    path.write_text("SPKR-INFO a 1 <NA> <NA> <NA> unknown x <NA>\nSPEAKER a.b 1 0 1 <NA> <NA> x <NA> <NA>\n"
                    "SPEAKER c 1 2.0 .5 <NA> <NA> y <NA>\n")  # fmt: skip
    assert read_turns(path, "folder/c.wav") == [Turn(2.0, 2.5, "y")]
    assert read_turns(path, "a.b.wav") == [Turn(0.0, 1.0, "x")]
    with pytest.raises(TimelineError, match=r"none of 'd\.wav'"):
        read_turns(path, "d.wav")


def test_whisper_and_whisperx(tmp_path):
    words = [{"word": "a", "speaker": "S1"}, {"word": "b", "speaker": "S2"}, {"word": "c", "speaker": "S2"}]
    segments = [
        {"id": 0, "start": 0.0, "end": 1.5, "text": " hi"},
        {"start": 2, "end": 3, "text": "yes", "words": words},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"text": " hi yes", "segments": segments, "language": "en"}))
    assert read_turns(tmp_path / "a.json") == [Turn(0.0, 1.5, None, " hi"), Turn(2.0, 3.0, "S2", "yes")]


def test_corrected_label_studio(talk, tmp_path):
    talk.save(tmp_path / "a.labelstudio.json")
    (task,) = json.loads((tmp_path / "a.labelstudio.json").read_text())
    result = task["predictions"][0]["result"]
    corrected = [
        {**one, "value": {**one["value"], "labels": ["anger"]}} if one["type"] == "labels" else one
        for one in result
    ]
    task |= {"annotations": [{"result": corrected}, {"result": [], "was_cancelled": True}]}
    task["data"]["audio"] = "/data/upload/1/0a1b2c3d-talk.wav"
    (tmp_path / "b.json").write_text(json.dumps([task]))
    by_file = read_all_turns(tmp_path / "b.json")
    assert list(by_file) == ["talk.wav"]
    assert [(one.start, one.speaker, one.text, one.labels) for one in by_file["talk.wav"]] == [
        (0.5, "Ana María", 'I "got" it', ("anger",)), (2.0, "Bo", "no & <never>", ("anger",)),
        (4.0, None, None, ("anger",))
    ]  # fmt: skip


def test_chat(tmp_path):
    (tmp_path / "a.txt").write_text(
        "\ufeffAna: hi\n\n   and more\nno name here\nfive words are too many: yes\n", "utf-8"
    )
    assert read_turns(tmp_path / "a.txt") == [
        Turn(speaker="Ana", text="hi\nand more"),
        Turn(text="no name here"),
        Turn(text="five words are too many: yes"),
    ]  # fmt: skip


def test_csv_of_other_programs(tmp_path):
    rows = [
        ["end", "emotion", "start", "speaker"],
        ["0 days 00:00:02.500000", "joy", "0 days 00:00:01", "A"],
        ["1:02,5", "", "61", ""],
    ]
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    (tmp_path / "a.csv").write_text(file.getvalue())
    assert read_turns(tmp_path / "a.csv") == [Turn(1.0, 2.5, "A", labels=("joy",)), Turn(61.0, 62.5)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.rttm", "SPEAKER a 1 x 1 <NA> <NA> s <NA> <NA>\n", "a.rttm, 1: 'x 1' is not a time"),
        ("a.rttm", "SPEAKER a 1 5 -1 <NA> <NA> s <NA> <NA>\n", "5.0 s to 4.0 s is impossible"),
        ("a.rttm", "SPEAKER a 1\n", "needs 8 to 10 fields"),
        ("a.srt", "1\n00:00:01,000 --> banana\nhi\n", "'banana' is not a time"),
        ("a.srt", "1\nhi\n", "has no times"),
        ("a.vtt", "1\n", "must begin"),
        ("a.eaf", "<x", "not an ELAN file"),
        ("a.TextGrid", "TextGrid 1 2", "not a complete TextGrid"),
        ("a.json", "[1]", "must be an object"),
        ("a.json", "{}", "needs 'turns'"),
        ("a.json", "{", "is not JSON"),
        ("a.jsonl", "{}\nx\n", "line 2 is not JSON"),
        ("a.csv", "x,y\n1,2\n", "needs columns"),
        ("a.csv", "start,end\n1,2\n3,inf\n", "a.csv, 3: 'inf' is not a time"),
        ("a.txt", "\n", "has no turns"),
        ("a.txt", b"\xff\xff\xff", "UTF-8"),
    ],
)  # fmt: skip
def test_damaged_files_are_one_sentence(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(TimelineError, match=message):
        read_turns(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", {"segments": [{"start": 0, "end": 1, "text": "x", "labels": 5}]}),
        ("a.json", {"segments": [{"start": 0, "end": 1, "words": 3}]}),
        ("a.json", {"segments": [{"start": 0, "end": 1, "probabilities": {"joy": "high"}}]}),
        ("a.json", {"segments": [{"start": 0, "end": 1, "confidence": "high"}]}),
        ("a.json", {"segments": [{"start": 0, "end": 1, "other_tasks": {"a": 1}}]}),
        ("a.json", {"segments": [{"start": 0, "end": 10**400}]}),
        ("a.json", {"segments": [{"start": 0, "end": 1e12}]}),
        ("a.json", [{"annotations": [3]}]),
        ("a.json", [{"annotations": [{"result": [{"value": {"start": [], "end": "x"}}]}]}]),
        ("a.labelstudio.json", [{"predictions": {"a": 1}}]),
        ("a.jsonl", {"start": 0, "end": 1, "notes": 3}),
        ("a.json", {"schema": "sentir-timeline/1", "turns": [{"speaker": 1}], "recording": {}}),
    ],
)
def test_values_of_other_types_are_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(TimelineError):
        read_turns(tmp_path / name)


def test_json_that_is_too_deep_is_one_sentence(tmp_path):
    (tmp_path / "a.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(TimelineError, match="damaged, or of another format: maximum recursion depth"):
        read_turns(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 3),
        ("labels", ["a"]),
        ("values", {"v": float("nan")}),
        ("values", {"v": 10**30}),
        ("start", True),
        ("problem", None),
    ],
)
def test_a_turn_has_fields_of_its_types(field, value):
    fields = {"start": 0.0, "end": 1.0} | {field: value}
    with pytest.raises(TimelineError, match=f"The field '{field}' of a turn has an impossible value"):
        Turn(**fields)


@pytest.mark.parametrize("name", FORMATS)
def test_unpaired_surrogates_are_written(tmp_path, name):
    timeline = timeline_of([Turn(0.0, 1.0, "A\ud800", "hi \udfff", ("joy\ud800",), {"joy\ud800": 1.0})])
    path = tmp_path / f"{name}{FORMATS[name].suffix}"
    FORMATS[name].write(timeline, path)
    assert path.stat().st_size > 0
