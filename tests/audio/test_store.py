"""The audio store: each clip is decoded once, killed runs lose little, and nothing stale is returned."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from shard_work import KillingExtraction

from sentir.audio import decoding, extraction, file_hashes, store
from sentir.audio.decoding import decode
from sentir.audio.store import attach_audio
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import SentirError
from sentir.paths import audio_dir, cache_dir


def write_wavs(folder, n, *, seconds=0.2):
    """Write n different short WAV files."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    paths = [folder / f"clip{k:02}.wav" for k in range(n)]
    for path in paths:
        soundfile.write(path, rng.normal(0, 0.1, int(16_000 * seconds)), 16_000)
    return paths


def make_utterances(paths, split="train"):
    return [Utterance(f"c/{split}/{path.name}", split, clip=Clip(path)) for path in paths]


@pytest.fixture
def clips(tmp_path):
    return make_utterances(write_wavs(tmp_path / "corpus", 6))


@pytest.fixture
def decoded(monkeypatch):
    """Names of the files that were decoded in this process."""
    names, decode_segments = [], decoding.decode_segments

    def count(path, time_ranges, content=None):
        names.append(path.name)
        return decode_segments(path, time_ranges, content)

    monkeypatch.setattr(decoding, "decode_segments", count)
    return names


def content(utterances):
    """All audio features, comparable bit for bit."""
    return [
        (a.key, a.mel is not None and (a.mel.shape, a.mel.tobytes()), dict(a.descriptors), a.seconds, a.problem)
        for a in (u.audio for u in utterances)
    ]


def files():
    """The files of the store, without those that say who is using it."""
    return sorted(path for path in audio_dir().rglob("*") if path.is_file() and path.parent.name != ".in-use")


def test_each_clip_has_its_mel_spectrogram_and_descriptors_in_the_given_order(clips):
    utterances = attach_audio(clips[::-1])
    assert [u.id for u in utterances] == [u.id for u in clips[::-1]]
    for u in utterances:
        mel, descriptors = extraction.descriptors.extract_descriptors(decode(u.clip).waveform)
        descriptors |= {"health.sampling_rate": 16_000, "health.channels": 1}
        assert np.array_equal(u.audio.mel, mel.astype(np.float16)) and u.audio.mel.dtype == np.float16
        assert u.audio.descriptors == {name: np.float32(value) for name, value in descriptors.items()}
        assert u.audio.seconds == pytest.approx(0.2) and u.audio.problem == "" and u.audio.key


def test_mel_spectrograms_are_slices_of_a_memory_map(clips):
    utterances = attach_audio(clips)
    assert all(isinstance(u.audio.mel, np.memmap) and not u.audio.mel.flags.owndata for u in utterances)
    assert len({u.audio.mel.filename for u in utterances}) == 1


def test_a_second_time_nothing_is_decoded(clips, decoded):
    first = attach_audio(clips)
    assert len(decoded) == len(clips)
    assert content(attach_audio(clips)) == content(first)
    assert len(decoded) == len(clips)


def test_utterances_that_have_audio_features_keep_them(clips, decoded, monkeypatch):
    utterances = attach_audio(clips)
    monkeypatch.setenv("SENTIR_AUDIO_DIR", os.devnull)  # not read
    monkeypatch.setattr(store, "StoreParts", lambda folder: pytest.fail("the store was opened"))
    for kind in ("mel", None):
        again = attach_audio(utterances, mel_kind=kind)
        assert all(u is before for u, before in zip(again, utterances, strict=True))
    assert len(decoded) == len(clips)


def test_another_kind_of_mel_spectrogram_has_another_key(clips):
    utterances = attach_audio(attach_audio(clips), mel_kind="thesis")
    assert {u.audio.mel_kind for u in utterances} == {"thesis"} and {u.audio.mel.shape for u in utterances} == {
        (224, 224)
    }
    assert [u.audio.descriptors for u in utterances] == [u.audio.descriptors for u in attach_audio(clips)]
    assert not {u.audio.key for u in utterances} & {u.audio.key for u in attach_audio(clips)}


def test_without_a_kind_the_attached_one_is_kept_and_mel_attached_to_the_rest(clips):
    utterances = [*attach_audio(clips[:2], mel_kind="thesis"), *clips[2:]]
    kinds = [u.audio.mel_kind for u in attach_audio(utterances)]
    assert kinds == ["thesis"] * 2 + ["mel"] * (len(clips) - 2)


def test_the_audio_of_some_splits_of_a_corpus_is_attached(clips, decoded):
    rows = [replace(u, split=split) for u, split in zip(clips, ("train", "dev", "test") * 2, strict=True)]
    corpus = Corpus.build("c", rows, [])
    attached = store.attach_corpus_audio(corpus, mel_kind="mel", splits=("dev",))
    assert [u.audio is not None for u in attached] == [u.split == "dev" for u in corpus]
    assert len(decoded) == 2 and attached.fingerprint == corpus.fingerprint
    assert store.attach_corpus_audio(attached, mel_kind="mel", splits=("dev",)) is attached


def test_a_moved_corpus_and_a_moved_store_decode_nothing_again(clips, decoded, tmp_path):
    first = content(attach_audio(clips, folder=tmp_path / "store"))
    shutil.move(tmp_path / "corpus", tmp_path / "elsewhere")
    shutil.move(tmp_path / "store", tmp_path / "other store")
    decoded.clear()
    moved = [replace(u, clip=Clip(tmp_path / "elsewhere" / u.clip.path.name)) for u in clips]
    assert content(attach_audio(moved, folder=tmp_path / "other store")) == first
    assert decoded == []


def test_a_touched_file_is_hashed_again_but_not_decoded(clips, decoded, monkeypatch):
    attach_audio(clips)
    hashed = []
    digest = file_hashes.hashlib.file_digest
    monkeypatch.setattr(
        file_hashes.hashlib, "file_digest", lambda file, how: hashed.append(file.name) or digest(file, how)
    )
    attach_audio(clips)
    assert hashed == []
    os.utime(clips[2].clip.path, (1, 1))
    decoded.clear()
    attach_audio(clips)
    attach_audio(clips)
    assert hashed == [str(clips[2].clip.path)] and decoded == []


def test_a_changed_file_is_decoded_again(clips, decoded):
    before = content(attach_audio(clips))
    soundfile.write(clips[2].clip.path, np.zeros(1600), 16_000)
    decoded.clear()
    after = attach_audio(clips)
    assert decoded == ["clip02.wav"] and after[2].audio.seconds == pytest.approx(0.1)
    assert [new == old for new, old in zip(content(after), before, strict=True)] == [True] * 2 + [False] + [
        True
    ] * 3


def test_all_segments_of_a_file_and_of_its_copies_are_decoded_at_once(tmp_path, decoded):
    (path,) = write_wavs(tmp_path, 1, seconds=2)
    shutil.copy(path, tmp_path / "copy.wav")
    time_ranges = [(None, None), (0.0, 0.5), (0.5, 1.5), (0.5, 1.5)]
    utterances = [
        Utterance(f"{p.name}/{n}", "dev", clip=Clip(p, *time_range))
        for p in (path, tmp_path / "copy.wav")
        for n, time_range in enumerate(time_ranges)
    ]
    utterances = attach_audio(utterances)
    assert len(decoded) == 1
    assert [u.audio.seconds for u in utterances] == pytest.approx([2, 0.5, 1, 1] * 2)
    assert content(utterances[:4]) == content(utterances[4:])
    assert sum(table.num_rows for table in map(pq.read_table, audio_dir().glob("*.parquet"))) == 3


def test_unusable_clips_have_a_problem_and_the_others_are_decoded(clips, tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "noise.wav").write_bytes(b"this is no audio" * 100)
    odd = [Clip(tmp_path / "empty.wav"), Clip(tmp_path / "noise.wav"), Clip(tmp_path / "none.wav"), None]
    odd += [Clip(clips[0].clip.path, 5.0, 6.0), Clip(tmp_path)]
    utterances = [*clips, *(Utterance(f"odd{n}", "dev", clip=clip) for n, clip in enumerate(odd))]
    audio = [u.audio for u in attach_audio(utterances)]
    assert not any(one.problem or one.problem_kind for one in audio[:6])
    assert [one.problem_kind for one in audio[6:]] == [
        "empty", "undecodable", "missing", "missing", "out_of_range", "missing"
    ]  # fmt: skip
    assert all(one.problem and one.mel is None and not one.descriptors and not one.key for one in audio[6:])


@pytest.mark.parametrize("split", ["train", ""])
def test_a_pipe_and_an_impossible_file_name_are_missing(split, clips, tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    odd = make_utterances([tmp_path / "pipe.wav", tmp_path / "nu\0ll.wav"], split)
    utterances = attach_audio([*odd, clips[0]])
    assert [u.audio.problem_kind for u in utterances] == ["missing", "missing", ""]


def test_problems_are_stored_by_content_and_name_the_current_file(tmp_path, decoded):
    (tmp_path / "broken.wav").write_bytes(b"this is no audio" * 100)
    (first,) = attach_audio(make_utterances([tmp_path / "broken.wav"]))
    assert "broken.wav" in first.audio.problem and decoded == ["broken.wav"]
    (tmp_path / "broken.wav").rename(tmp_path / "renamed.wav")
    (second,) = attach_audio(make_utterances([tmp_path / "renamed.wav"]))
    assert decoded == ["broken.wav"]
    assert second.audio.problem == first.audio.problem.replace("broken.wav", "renamed.wav")
    assert second.audio.problem_kind == first.audio.problem_kind


def test_a_missing_file_is_never_stored(clips, tmp_path):
    away = tmp_path / "away.wav"
    clips[3].clip.path.rename(away)
    assert attach_audio(clips)[3].audio.problem_kind == "missing"
    away.rename(clips[3].clip.path)
    assert attach_audio(clips)[3].audio.mel is not None


def test_a_file_deleted_meanwhile_is_missing_and_not_stored(clips, monkeypatch):
    real = store.hash_files

    def hash_and_delete(paths, folder):
        hashes = real(paths, folder)
        clips[1].clip.path.rename(clips[1].clip.path.with_suffix(".away"))
        return hashes

    monkeypatch.setattr(store, "hash_files", hash_and_delete)
    assert [u.audio.problem_kind for u in attach_audio(clips)] == ["", "missing", "", "", "", ""]
    monkeypatch.setattr(store, "hash_files", real)
    clips[1].clip.path.with_suffix(".away").rename(clips[1].clip.path)
    assert attach_audio(clips)[1].audio.mel is not None


def test_a_store_deleted_while_it_is_filled_is_an_error_that_blames_no_clip(clips, monkeypatch):
    monkeypatch.setattr(store, "_MAX_CLIPS_PER_PART", 2)
    monkeypatch.setattr(store, "_MIN_CLIPS_PER_PART", 2)
    extract_part, done = store.extract_part, []

    def deleting(chunk, folder):
        if done:
            shutil.rmtree(folder)
        done.append(chunk)
        return extract_part(chunk, folder)

    monkeypatch.setattr(store, "extract_part", deleting)
    with pytest.raises(SentirError, match=f"audio store {audio_dir()} lost files"):
        attach_audio(clips, workers=1)


def test_utterances_outside_a_corpus_have_the_same_features_and_are_not_stored(clips):
    outside = [replace(u, split="") for u in clips]
    utterances = attach_audio(outside)
    assert not cache_dir().exists() or files() == []
    assert content(utterances) == content(attach_audio(clips))


def test_precomputed_spectrograms_are_loaded_as_thesis_mel_spectrograms_only(clips, tmp_path):
    spectrogram = np.random.default_rng(0).normal(-40, 10, (224, 224)).astype(np.float32)
    np.save(tmp_path / "a.npy", spectrogram)
    utterances = [*clips, Utterance("p", "train", clip=Clip(tmp_path / "a.npy"))]
    for _again in range(2):
        audio = attach_audio(utterances, mel_kind="thesis")[-1].audio
        assert np.array_equal(audio.mel, spectrogram.T.astype(np.float16)) and audio.descriptors == {}
        unusable = attach_audio(utterances)[-1].audio
        assert unusable.problem_kind == "no_audio" and "thesis" in unusable.problem


def test_descriptors_behave_like_a_dictionary(clips):
    descriptors = attach_audio(clips)[0].audio.descriptors
    assert len(descriptors) == len(list(descriptors)) == len(dict(descriptors)) > 100
    assert "thesis.duration" in descriptors and descriptors.get("nothing") is None


def test_parallel_equals_serial_bit_for_bit(tmp_path):
    clips = make_utterances(write_wavs(tmp_path / "corpus", 80))
    (clips[7].clip.path).write_bytes(b"no audio" * 100)
    one = attach_audio(clips, folder=tmp_path / "one", workers=1)
    two = attach_audio(clips, folder=tmp_path / "two", workers=2)
    assert content(one) == content(two)
    assert len(list((tmp_path / "one").glob("*.npy"))) == 1 and len(list((tmp_path / "two").glob("*.npy"))) == 2


@given(st.lists(st.integers(1, 40), max_size=30), st.integers(1, 50))
def test_chunks_hold_every_file_once_in_order_and_have_about_the_given_size(counts, size):
    segment = extraction.Segment("", "", None, None)
    files = [extraction.MediaFile(Path(str(n)), "", "mel", (segment,) * count) for n, count in enumerate(counts)]
    chunks = store._split_into_chunks(files, size)
    assert [file for chunk in chunks for file in chunk] == files
    lengths = [[len(file.segments) for file in chunk] for chunk in chunks]
    assert all(sum(one) >= size for one in lengths[:-1])
    assert all(sum(one[:-1]) < size for one in lengths)


KILLED = """
import os, sys, time
from pathlib import Path
from sentir.audio import extraction, store
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Clip, Utterance

CORPUS, WORKERS, RENAMES, STOP = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
store._MAX_CLIPS_PER_PART = store._MIN_CLIPS_PER_PART = 16
renamed, replace, extract = [], os.replace, extraction.extract_media_file

def hang():
    print("working", flush=True)
    time.sleep(60)

def replace_until(part, path):
    renamed.append(path)
    if RENAMES and len([path for path in renamed if "part-" in str(path)]) == RENAMES:
        hang()
    replace(part, path)

def extract_until(media_file):
    if STOP and media_file.path.name >= STOP:
        hang()
    return extract(media_file)

os.replace, extraction.extract_media_file = replace_until, extract_until
if __name__ == "__main__":
    paths = sorted(Path(CORPUS).glob("*.wav"))
    store.attach_audio([Utterance(f"c/train/{p.name}", "train", clip=Clip(p)) for p in paths], workers=WORKERS)
"""


@contextmanager
def killed(tmp_path, *, workers=1, renames=0, stop=""):
    """Start decoding in a process of its own; when it hangs, run the block, then kill it with signal 9."""
    (tmp_path / "script.py").write_text(KILLED, encoding="utf-8")
    command = [sys.executable, tmp_path / "script.py", tmp_path / "corpus", str(workers), str(renames), stop]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
        assert run.stdout.readline() == b"working\n"
        yield run
        run.send_signal(signal.SIGKILL)
        assert run.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize(("renames", "stored"), [(2, 0), (3, 16)], ids=["before its manifest", "before its mels"])
def test_a_run_killed_in_the_middle_of_a_part_loses_only_that_part(renames, stored, tmp_path, decoded):
    clips = make_utterances(write_wavs(tmp_path / "corpus", 40))
    with killed(tmp_path, renames=renames):
        pass
    utterances = attach_audio(clips)
    assert len(decoded) == len(clips) - stored
    assert content(utterances) == content(attach_audio(clips, folder=tmp_path / "undisturbed"))


def test_a_killed_parallel_run_ends_its_workers_and_is_resumed(tmp_path, decoded):
    clips = make_utterances(write_wavs(tmp_path / "corpus", 80))
    with killed(tmp_path, workers=2, stop=clips[32].clip.path.name) as run:
        wait_for(lambda: len(list(audio_dir().glob("part-*.parquet"))) == 2)
        workers = psutil.Process(run.pid).children(recursive=True)
    assert len(workers) >= 2 and psutil.wait_procs(workers, timeout=10)[1] == []
    utterances = attach_audio(clips, workers=1)
    assert len(decoded) == len(clips) - 32
    assert content(utterances) == content(attach_audio(clips, folder=tmp_path / "undisturbed", workers=1))


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)


def test_two_processes_can_fill_one_store(tmp_path, decoded):
    clips = make_utterances(write_wavs(tmp_path / "corpus", 40))
    (tmp_path / "script.py").write_text(KILLED, encoding="utf-8")
    command = [sys.executable, tmp_path / "script.py", tmp_path / "corpus", "1", "0", ""]
    runs = [subprocess.Popen(command) for _n in range(2)]
    assert [run.wait(60) for run in runs] == [0, 0]
    utterances = attach_audio(clips)
    assert decoded == []
    assert content(utterances) == content(attach_audio(clips, folder=tmp_path / "undisturbed"))


@pytest.mark.slow
def test_a_clip_that_kills_its_workers_is_a_problem_and_tried_again_next_time(tmp_path, monkeypatch):
    clips = make_utterances(write_wavs(tmp_path / "corpus", 8))
    monkeypatch.setattr(store, "Extraction", KillingExtraction)
    for limit in ("_MIN_CLIPS_FOR_WORKERS", "_MIN_CLIPS_PER_PART"):
        monkeypatch.setattr(store, limit, 2)
    (unusable,) = [u for u in attach_audio(clips, workers=2) if u.audio.problem]
    assert unusable.clip == clips[7].clip
    assert "clip07.wav" in unusable.audio.problem and "killed twice" in unusable.audio.problem
    monkeypatch.undo()
    assert not any(u.audio.problem for u in attach_audio(clips))


def test_leftovers_of_killed_runs_are_removed_and_those_of_running_ones_kept(clips):
    audio_dir().mkdir(parents=True)
    stale = [audio_dir() / name for name in ("part-a.npy.1.part", ".part-b.2.part.parquet", "part-c.npy")]
    fresh = [path.with_name(f"part-new{path.name}") for path in stale]
    for path in (*stale, *fresh):
        path.write_bytes(b"half of it")
    for path in stale:
        os.utime(path, (1, 1))
    attach_audio(clips)
    assert not any(path.exists() for path in stale) and all(path.exists() for path in fresh)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def drop_row(path):
    pq.write_table(pq.read_table(path).slice(1), path)


DAMAGES = {
    "manifest truncated": ("parquet", truncate),
    "manifest empty": ("parquet", lambda path: path.write_bytes(b"")),
    "manifest of another kind": ("parquet", lambda path: path.write_bytes(b"PAR1" * 100)),
    "manifest without keys": (
        "parquet",
        lambda path: pq.write_table(pq.read_table(path).drop(["key"]), path),
    ),
    "fewer rows": ("parquet", drop_row),
    "mels truncated": ("npy", truncate),
    "mels empty": ("npy", lambda path: path.write_bytes(b"")),
    "mels missing": ("npy", lambda path: path.unlink()),
    "mels of another type": ("npy", lambda path: np.save(path, np.load(path).astype(np.float32))),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_part_is_decoded_again_once(damage, clips, decoded):
    first = content(attach_audio(clips))
    suffix, apply = DAMAGES[damage]
    apply(next(audio_dir().glob(f"part-*.{suffix}")))
    decoded.clear()
    assert content(attach_audio(clips)) == first and len(decoded) == len(clips)
    assert content(attach_audio(clips)) == first and len(decoded) == len(clips)


@pytest.mark.parametrize("cache", [b"", b"{", b"3", b'{"a": 1}', b"\xff"])
def test_a_damaged_cache_of_hashes_costs_only_hashing(cache, clips, decoded):
    attach_audio(clips)
    (audio_dir() / "sources.json").write_bytes(cache)
    decoded.clear()
    assert all(u.audio.mel is not None for u in attach_audio(clips)) and decoded == []


def test_a_store_that_cannot_be_written_names_the_variable(clips, tmp_path, monkeypatch, decoded):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("SENTIR_AUDIO_DIR", str(tmp_path / "file"))
    with pytest.raises(SentirError, match="set SENTIR_AUDIO_DIR"):
        attach_audio(clips)
    assert decoded == []


def test_a_full_disk_is_named_and_no_partial_file_stays(clips, monkeypatch):
    def full(_table, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(SentirError, match=r"No space left on device.*SENTIR_AUDIO_DIR"):
        attach_audio(clips)
    assert not list(audio_dir().glob("*.part*"))


def test_no_file_of_the_store_is_a_pickle(clips):
    attach_audio(clips)
    assert sorted(path.suffix for path in files()) == [".json", ".npy", ".parquet"]
    np.load(next(audio_dir().glob("*.npy")), allow_pickle=False)


def test_the_manifest_records_the_source_of_each_clip(clips):
    attach_audio(clips)
    rows = pq.read_table(next(audio_dir().glob("*.parquet"))).to_pylist()
    assert [row["id"] for row in rows] == [u.id for u in clips]
    assert [row["source"] for row in rows] == [u.clip.path.name for u in clips]
    assert {(row["sampling_rate"], row["channels"]) for row in rows} == {(16_000, 1)}
    assert all(len(row["sha256"]) == 64 and "descriptor.thesis.duration" in row for row in rows)


def test_files_with_names_that_are_not_utf8_are_decoded_and_stored(tmp_path):
    (path,) = write_wavs(tmp_path, 1)
    odd = tmp_path / os.fsdecode(b"-caf\xe9 \xc3\xb1.wav")
    path.rename(odd)
    for _again in range(2):
        assert attach_audio(make_utterances([odd]))[0].audio.mel is not None


@pytest.mark.shared_data
def test_real_clips_are_decoded(shared_data, tmp_path):
    paths = sorted((shared_data / "ravdess" / "audio").glob("*.ogg"))[:20]
    utterances = attach_audio(make_utterances(paths), folder=tmp_path)
    assert len(utterances) == 20 and all(u.audio.mel.shape[1] == 64 and u.audio.seconds > 2 for u in utterances)
