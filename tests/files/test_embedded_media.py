"""Clips embedded in a table's cells become files once, when they are needed."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from audio_files import tone, write_wav
from saved_tables import save, save_parts
from table_reading import read

from sentir.audio.decoding import decode
from sentir.errors import CorpusError
from sentir.files.embedded_media import EmbeddedClip, detect_media_suffix, extract_clip
from sentir.files.tables import load_rows
from sentir.paths import cache_dir
from sentir.recognizer.inputs import read_inputs
from sentir.table_inspection.inspection import inspect_table

MOODS = ["joy", "fear", "joy", "anger"]
SPLITS = ["train", "dev", "test", "train"]
AUDIO = {"audio": {"_type": "Audio", "sampling_rate": 16_000}}


@pytest.fixture
def contents(tmp_path):
    """The bytes of three clips."""
    return [write_wav(tmp_path / f"{hz}.wav", tone(0.2, hz), 16_000).read_bytes() for hz in (200, 300, 400)]


@pytest.fixture
def clips():
    """The folder of extracted clips."""
    return cache_dir() / "clips"


def cells(contents, *, names=("a.wav", None, "c.wav")):
    return [*({"bytes": content, "path": name} for content, name in zip(contents, names, strict=True)), None]


def rows_of(audio, kind=None):
    columns = {"audio": pa.array(audio, kind), "emotion": MOODS, "part": SPLITS}
    return pa.table(columns)


def parquet(path, table):
    info = {"info": {"features": AUDIO}}
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), path)
    return path


def as_parquet(folder, contents):
    return parquet(folder / "d.parquet", rows_of(cells(contents)))


def as_large(folder, contents):
    kind = pa.struct({"path": pa.large_string(), "bytes": pa.large_binary()})
    return parquet(folder / "d.parquet", rows_of(cells(contents), kind))


def as_bytes(folder, contents):
    return parquet(folder / "d.parquet", rows_of([*contents, None], pa.binary()))


def as_folder(folder, contents):
    return save(folder / "d", rows_of(cells(contents)), shards=2, features=AUDIO)


def as_splits(folder, contents):
    table = rows_of(cells(contents)).drop_columns("part")
    return save_parts(folder / "d", train=table.slice(0, 1), validation=table.slice(1, 2), test=table.slice(3))


TABLE_MAKERS = [as_parquet, as_large, as_bytes, as_folder, as_splits]


@pytest.mark.parametrize("make_table", TABLE_MAKERS)
def test_an_embedded_clip_is_extracted_once_named_by_its_content_and_can_be_decoded(
    tmp_path, contents, clips, make_table
):
    path = make_table(tmp_path, contents)
    given = {"audio": "audio", "label": "emotion", "split": "split" if make_table is as_splits else "part"}
    without_audio = read(path, **given)
    assert {u.clip for u in without_audio} == {None} and not clips.exists()
    corpus = read(path, with_audio=True, **given)
    found = [u.clip for u in corpus]
    assert [clip.path.read_bytes() for clip in found[:3]] == contents and found[3] is None
    assert sorted(clips.glob("[!.]*")) == sorted(clip.path for clip in found[:3])
    assert corpus.fingerprint == without_audio.fingerprint and corpus.utterances[0].labels == {
        "emotion": ("joy",)
    }
    notes = [issue for issue in corpus.issues if issue.kind == "clip_embedded"]
    assert [(issue.severity, issue.where) for issue in notes] == [("note", path.name)]
    assert ": 3;" in notes[0].message
    first, second = (decode(clip).waveform for clip in found[:2])
    assert len(first) == 3_200 and not np.array_equal(first, second)
    written = [clip.path.stat().st_mtime_ns for clip in found[:3]]
    assert [u.clip for u in read(path, with_audio=True, **given)] == found
    assert [clip.path.stat().st_mtime_ns for clip in found[:3]] == written


@pytest.mark.parametrize("make_table", TABLE_MAKERS)
def test_such_a_table_is_inspected_and_read_for_prediction_like_any_other(tmp_path, contents, clips, make_table):
    path = make_table(tmp_path, contents)
    inspection = inspect_table(path)
    assert inspection.has_audio and inspection.settings["audio"] == "audio" and not clips.exists()
    found = [one.utterance.clip for one in read_inputs(path)]
    assert [clip.path.read_bytes() for clip in found[:3]] == contents and found[3] is None


def test_clips_are_identified_by_content_not_by_name(tmp_path, contents, clips):
    audio = cells([contents[0], contents[1], contents[0]], names=("x.wav", "x.wav", "y.wav"))
    path = parquet(tmp_path / "d.parquet", rows_of(audio))
    corpus = read(path, with_audio=True, audio="audio", label="emotion", split="part")
    one, two, again = (u.clip.path for u in corpus.utterances[:3])
    assert one == again != two and two.read_bytes() == contents[1] and len(list(clips.glob("[!.]*"))) == 2


def test_a_name_without_bytes_is_a_path(tmp_path, contents):
    audio = [
        {"bytes": None, "path": "200.wav"},
        {"bytes": contents[1], "path": "b.wav"},
        {"bytes": None, "path": None},
    ]
    path = parquet(tmp_path / "d.parquet", rows_of([*audio, None]))
    assert [row["audio"] for row in load_rows(path)] == ["200.wav", "b.wav", "", ""]
    corpus = read(path, with_audio=True, audio="audio", label="emotion", split="part")
    assert corpus.utterances[0].clip.path == tmp_path / "200.wav"
    assert [issue.where for issue in corpus.issues if issue.kind == "clip_not_named"] == ["d/row3", "d/row4"]


def test_a_truncated_file_in_the_cache_is_written_again(contents):
    path = extract_clip(EmbeddedClip("a.wav", lambda: contents[0]))
    path.write_bytes(contents[0][:100])
    assert extract_clip(EmbeddedClip("other", lambda: contents[0])) == path and path.read_bytes() == contents[0]


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path, contents, monkeypatch):
    (tmp_path / "cache").touch()
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(CorpusError, match=r"cannot be written to .*clips \(.*\); free some space there"):
        extract_clip(EmbeddedClip("a.wav", lambda: contents[0]))


def test_bytes_that_are_neither_clip_nor_text_are_rejected(tmp_path):
    path = parquet(tmp_path / "d.parquet", rows_of([b"\xff\x00", b"\xfe", b"\xfd", None], pa.binary()))
    with pytest.raises(CorpusError, match="contains bytes that are not UTF-8 text"):
        load_rows(path)
    text = parquet(tmp_path / "t.parquet", rows_of([b"a", b"b", b"c", None], pa.binary()))
    assert [row["audio"] for row in load_rows(text)] == ["a", "b", "c", ""]


def test_a_media_format_is_detected_by_its_magic_bytes(contents):
    assert detect_media_suffix(contents[0]) == ".wav" and detect_media_suffix(b"\0\0\0\x20ftypisom") == ".mp4"
    assert detect_media_suffix(b"OggS") == ".ogg"
    assert detect_media_suffix(b"hello") == detect_media_suffix(b"") == ""
