"""Compaction of the audio store: the same features from fewer parts, whatever is killed or damaged."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from sentir import cache_use
from sentir.audio import store, store_compaction
from sentir.audio.store import attach_audio
from sentir.audio.store_compaction import compact_audio_store
from sentir.cache_use import CacheInUseError
from sentir.corpus.utterances import Clip, Utterance
from sentir.file_locks import lock_run_folder
from sentir.paths import audio_dir


@pytest.fixture
def utterances(tmp_path):
    """Clips of two lengths in twelve parts, one of them unusable."""
    rng, made = np.random.default_rng(0), []
    for n in range(12):
        path = tmp_path / f"{n}.wav"
        soundfile.write(path, rng.normal(0, 0.1, 4000 + 800 * (n % 2)), 16_000)
        made.append(Utterance(f"c/train/{n}", "train", clip=Clip(path)))
    (tmp_path / "5.wav").write_bytes(b"no audio")
    for u in made:
        attach_audio([u])
    attach_audio(made[:3], mel_kind="thesis")
    cache_use.end_use()
    return made


def features(utterances):
    return [
        (
            u.audio.problem,
            u.audio.seconds,
            dict(u.audio.descriptors),
            None if u.audio.mel is None else u.audio.mel.tolist(),
        )
        for u in utterances
    ]


def count_parts():
    return len([*audio_dir().glob("part-*.parquet")]), len([*audio_dir().glob("part-*.npy")])


def test_the_features_stay_and_the_parts_become_few(utterances, monkeypatch):
    expected = features(attach_audio(utterances))
    thesis = features(attach_audio(utterances[:3], mel_kind="thesis"))
    cache_use.end_use()
    before = count_parts()[0]
    done = compact_audio_store()
    assert (done.before, done.after) == (before, 3) and count_parts() == (3, 3), "mel, thesis, and none"
    monkeypatch.setattr(store, "extract_part", pytest.fail)
    assert features(attach_audio(utterances)) == expected
    assert features(attach_audio(utterances[:3], mel_kind="thesis")) == thesis
    cache_use.end_use()
    assert compact_audio_store() == store_compaction.Compaction(3, 3)


def test_a_part_has_a_limit(utterances, monkeypatch):
    monkeypatch.setattr(store_compaction, "_MAX_CLIPS", 5)
    assert compact_audio_store().after == 5  # 11 usable clips in 3, three of the thesis', and one unusable
    assert len({u.audio.key for u in attach_audio(utterances)}) == 12


def test_a_kill_before_the_old_parts_are_removed_costs_no_second_copy(utterances, monkeypatch):
    expected = features(attach_audio(utterances))
    cache_use.end_use()

    def kill(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store_compaction, "_remove", kill)
        with pytest.raises(KeyboardInterrupt):
            compact_audio_store()
    assert features(attach_audio(utterances)) == expected
    cache_use.end_use()
    assert compact_audio_store().after == 3
    assert sum(pq.read_metadata(path).num_rows for path in audio_dir().glob("part-*.parquet")) == 15
    assert features(attach_audio(utterances)) == expected


def test_a_damaged_part_is_left_alone(utterances):
    damaged = sorted(audio_dir().glob("part-*.npy"))[0]
    damaged.write_bytes(damaged.read_bytes()[:40])
    compact_audio_store()
    assert damaged.exists() and len(attach_audio(utterances)) == 12


def test_a_store_in_use_is_left_alone_and_one_that_does_not_exist_has_no_parts(utterances, tmp_path):
    before = count_parts()
    used = lock_run_folder(audio_dir() / ".in-use", shared_key="reader")
    with used, pytest.raises(CacheInUseError, match=r"in use by process .* try again"):
        compact_audio_store()
    assert count_parts() == before and compact_audio_store(tmp_path / "none").after == 0
