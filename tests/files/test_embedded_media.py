"""Clips whose bytes lie in a table's cells become files once, when they are wanted."""

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
def waves(tmp_path):
    """The bytes of three clips."""
    return [write_wav(tmp_path / f"{hz}.wav", tone(0.2, hz), 16_000).read_bytes() for hz in (200, 300, 400)]


@pytest.fixture
def clips():
    """The folder of clips that lay in tables."""
    return cache_dir() / "clips"


def cells(waves, *, names=("a.wav", None, "c.wav")):
    return [*({"bytes": wave, "path": name} for wave, name in zip(waves, names, strict=True)), None]


def rows_of(audio, kind=None):
    columns = {"audio": pa.array(audio, kind), "emotion": MOODS, "part": SPLITS}
    return pa.table(columns)


def parquet(path, table):
    info = {"info": {"features": AUDIO}}
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), path)
    return path


def as_parquet(folder, waves):
    return parquet(folder / "d.parquet", rows_of(cells(waves)))


def as_large(folder, waves):
    kind = pa.struct({"path": pa.large_string(), "bytes": pa.large_binary()})
    return parquet(folder / "d.parquet", rows_of(cells(waves), kind))


def as_bytes(folder, waves):
    return parquet(folder / "d.parquet", rows_of([*waves, None], pa.binary()))


def as_folder(folder, waves):
    return save(folder / "d", rows_of(cells(waves)), shards=2, features=AUDIO)


def as_splits(folder, waves):
    table = rows_of(cells(waves)).drop_columns("part")
    return save_parts(folder / "d", train=table.slice(0, 1), validation=table.slice(1, 2), test=table.slice(3))


WAYS = [as_parquet, as_large, as_bytes, as_folder, as_splits]


@pytest.mark.parametrize("way", WAYS)
def test_a_clip_in_a_cell_is_written_once_under_its_content_and_can_be_heard(tmp_path, waves, clips, way):
    path = way(tmp_path, waves)
    given = {"audio": "audio", "label": "emotion", "split": "split" if way is as_splits else "part"}
    silent = read(path, **given)
    assert {u.clip for u in silent} == {None} and not clips.exists()
    corpus = read(path, with_audio=True, **given)
    found = [u.clip for u in corpus]
    assert [clip.path.read_bytes() for clip in found[:3]] == waves and found[3] is None
    assert sorted(clips.iterdir()) == sorted(clip.path for clip in found[:3])
    assert corpus.fingerprint == silent.fingerprint and corpus.utterances[0].labels == {"emotion": ("joy",)}
    notes = [issue for issue in corpus.issues if issue.kind == "clip_embedded"]
    assert [(issue.severity, issue.where) for issue in notes] == [("note", path.name)] and ": 3;" in notes[
        0
    ].message
    assert len(decode(found[0]).waveform) == 3_200 and not np.array_equal(
        *(decode(clip).waveform for clip in found[:2])
    )
    written = [clip.path.stat().st_mtime_ns for clip in found[:3]]
    assert [u.clip for u in read(path, with_audio=True, **given)] == found
    assert [clip.path.stat().st_mtime_ns for clip in found[:3]] == written


@pytest.mark.parametrize("way", WAYS)
def test_such_a_table_is_recognized_and_looked_at_as_any_other(tmp_path, waves, clips, way):
    path = way(tmp_path, waves)
    seen = inspect_table(path)
    assert seen.has_audio and seen.settings["audio"] == "audio" and not clips.exists()
    found = [one.utterance.clip for one in read_inputs(path)]
    assert [clip.path.read_bytes() for clip in found[:3]] == waves and found[3] is None


def test_two_clips_of_one_name_are_two_and_one_clip_of_two_names_is_one(tmp_path, waves, clips):
    audio = cells([waves[0], waves[1], waves[0]], names=("x.wav", "x.wav", "y.wav"))
    corpus = read(parquet(tmp_path / "d.parquet", rows_of(audio)), with_audio=True, audio="audio", label="emotion",
                  split="part")  # fmt: skip
    one, two, again = (u.clip.path for u in corpus.utterances[:3])
    assert one == again != two and two.read_bytes() == waves[1] and len(list(clips.iterdir())) == 2


def test_a_name_without_bytes_is_that_of_a_file(tmp_path, waves):
    audio = [
        {"bytes": None, "path": "200.wav"},
        {"bytes": waves[1], "path": "b.wav"},
        {"bytes": None, "path": None},
    ]
    path = parquet(tmp_path / "d.parquet", rows_of([*audio, None]))
    assert [row["audio"] for row in load_rows(path)] == ["200.wav", "b.wav", "", ""]
    corpus = read(path, with_audio=True, audio="audio", label="emotion", split="part")
    assert corpus.utterances[0].clip.path == tmp_path / "200.wav"
    assert [issue.where for issue in corpus.issues if issue.kind == "clip_not_named"] == ["d/row3", "d/row4"]


def test_a_file_of_the_cache_that_was_cut_short_is_written_anew(waves):
    path = extract_clip(EmbeddedClip("a.wav", lambda: waves[0]))
    path.write_bytes(waves[0][:100])
    assert extract_clip(EmbeddedClip("other", lambda: waves[0])) == path and path.read_bytes() == waves[0]


def test_a_cache_that_cannot_be_written_is_told(tmp_path, waves, monkeypatch):
    (tmp_path / "cache").touch()
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(CorpusError, match=r"cannot be written to .*clips \(.*\); make room there"):
        extract_clip(EmbeddedClip("a.wav", lambda: waves[0]))


def test_bytes_that_are_no_clip_are_refused_as_before(tmp_path):
    path = parquet(tmp_path / "d.parquet", rows_of([b"\xff\x00", b"\xfe", b"\xfd", None], pa.binary()))
    with pytest.raises(CorpusError, match="holds bytes that are no text"):
        load_rows(path)
    text = parquet(tmp_path / "t.parquet", rows_of([b"a", b"b", b"c", None], pa.binary()))
    assert [row["audio"] for row in load_rows(text)] == ["a", "b", "c", ""]


def test_a_kind_of_media_is_told_by_its_first_bytes(waves):
    assert detect_media_suffix(waves[0]) == ".wav" and detect_media_suffix(b"\0\0\0\x20ftypisom") == ".mp4"
    assert (
        detect_media_suffix(b"OggS") == ".ogg" and detect_media_suffix(b"hello") == detect_media_suffix(b"") == ""
    )
