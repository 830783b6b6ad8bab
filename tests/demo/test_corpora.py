"""The demo corpora: reproducible files, designed statistics, and the cache."""

import csv
import hashlib
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from sentir.demo import corpora, script
from sentir.errors import CorpusError
from sentir.paths import cache_dir
from sentir.readers import read_corpus
from sentir.recipe import DataSettings

SPLITS = ("train", "dev", "test")
MOSEI_LABELS = {"anger", "disgust", "fear", "joy", "sadness", "surprise"}
TREES = {"demo-meld": corpora.generate_meld, "demo-mosei": corpora.generate_mosei}
TABLES = {
    "demo-meld": [f"MELD-RAW/MELD.Raw/{name}" for name in script.MELD_FILES.values()],
    "demo-mosei": [f"Labels/{name}" for name in script.MOSEI_FILES.values()],
}
DIGEST = """
import hashlib, sys, pathlib, tempfile
from sentir.demo import corpora
root = pathlib.Path(tempfile.mkdtemp(dir=sys.argv[1]))
corpora.write_files(corpora.generate_meld(audio=False), root / "demo-meld")
corpora.write_files(corpora.generate_mosei(audio=False), root / "demo-mosei")
digest = hashlib.sha256()
for path in sorted(root.rglob("*.csv")):
    digest.update(path.read_bytes())
print(digest.hexdigest())
"""


def digest_of(root):
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.csv")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def table(root, name, split):
    path = root / TABLES[name][SPLITS.index(split)]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def words_of(dialogues):
    return {word for dialogue in dialogues for turn in dialogue for word in re.findall(r"[a-z']+", turn.text)}


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo")
    for name, tree in TREES.items():
        corpora.write_files(tree(audio=False), root / name)
    return {name: root / name for name in TREES}


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_the_files_are_the_same_bytes_in_another_process(trees, tmp_path, hash_seed):
    other_process = subprocess.run(
        [sys.executable, "-c", DIGEST, str(tmp_path)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other_process.stdout.strip() == digest_of(trees["demo-meld"].parent)


@pytest.mark.parametrize("name", TREES)
def test_the_readers_of_real_corpora_read_the_tree_without_issues(name):
    corpus = read_corpus(DataSettings(reader=name))
    assert corpus.name == name
    assert corpus.synthetic
    assert corpus.issues == ()
    sizes = [len(corpus.split(split)) for split in SPLITS]
    assert all(abs(n - aim) <= 0.05 * aim for n, aim in zip(sizes, (700, 150, 350), strict=True)), sizes
    assert len({u.dialogue for u in corpus.test}) >= 40
    assert all(u.text and u.numeric_features["duration"] > 0 for u in corpus)


@pytest.mark.parametrize("name", TREES)
def test_most_sentences_are_unique_and_those_of_test_are_new(name, trees):
    column = "Utterance" if name == "demo-meld" else "text"
    train, test = ([row[column] for row in table(trees[name], name, split)] for split in ("train", "test"))
    assert len(set(train)) >= 600
    assert sum(text in set(train) for text in test) <= 0.15 * len(test)


@pytest.mark.parametrize("name", TREES)
def test_sentences_are_plain_english_for_speech_synthesis(name, trees):
    column = "Utterance" if name == "demo-meld" else "text"
    for split in SPLITS:
        for row in table(trees[name], name, split):
            assert re.fullmatch(r"[A-Z][A-Za-z',.!? ]*[.!?]", row[column]), row[column]
            assert "  " not in row[column]


@pytest.mark.parametrize("split", SPLITS)
def test_every_emotion_of_the_conversations_has_its_share(split, trees):
    rows = table(trees["demo-meld"], "demo-meld", split)
    counts = Counter(row["Emotion"] for row in rows)
    assert len(counts) == 7
    assert min(counts.values()) >= 0.08 * len(rows)
    assert counts.most_common(1)[0][0] == "neutral"


def test_sentiment_follows_emotion_as_in_meld(trees):
    pairs = {(row["Emotion"], row["Sentiment"]) for row in table(trees["demo-meld"], "demo-meld", "train")}
    expected = {(name, "negative") for name in ("anger", "disgust", "fear", "sadness", "surprise")}
    assert pairs == expected | {("joy", "positive"), ("surprise", "positive"), ("neutral", "neutral")}


@pytest.mark.parametrize("split", SPLITS)
def test_conversations_are_dialogues_of_a_few_speakers_in_time(split, trees):
    dialogues = {}
    for row in table(trees["demo-meld"], "demo-meld", split):
        dialogues.setdefault(row["Dialogue_ID"], []).append(row)
    assert list(dialogues) == [str(n) for n in range(len(dialogues))]
    for rows in dialogues.values():
        assert 5 <= len(rows) <= 12
        assert 2 <= len({row["Speaker"] for row in rows}) <= 4
        assert all(a["Speaker"] != b["Speaker"] for a, b in pairwise(rows))
        times = [row[column] for row in rows for column in ("StartTime", "EndTime")]
        assert times == sorted(times)
        assert all(re.fullmatch(r"\d{1,2}:[0-5]\d:[0-5]\d,\d{3}", time) for time in times)


@pytest.mark.parametrize("split", SPLITS)
def test_monologues_have_labels_in_thirds_several_at_once_or_none(split, trees):
    rows = table(trees["demo-mosei"], "demo-mosei", split)
    present = [{e for e in script.MOSEI_EMOTIONS if float(row[e]) > 0} for row in rows]
    assert {0, 1, 2} <= {len(names) for names in present}
    shares = Counter(name for names in present for name in names)
    assert set(shares) == set(script.MOSEI_EMOTIONS)
    assert min(shares.values()) >= 0.08 * len(rows)
    for row in rows:
        intensities = [float(row[e]) for e in script.MOSEI_EMOTIONS]
        assert all(0 <= x <= 3 and round(3 * x) == pytest.approx(3 * x, abs=1e-5) for x in intensities)
        assert -3 <= float(row["sentiment"]) <= 3
        assert row["ASR"] == re.sub(r"[^\w\s']", "", row["text"]).lower()


def test_sentiment_of_monologues_leans_as_their_emotions_do(trees):
    rows = table(trees["demo-mosei"], "demo-mosei", "train")
    happy = [float(row["sentiment"]) for row in rows if float(row["happy"]) >= 1]
    angry = [float(row["sentiment"]) for row in rows if float(row["anger"]) >= 1]
    assert sum(happy) / len(happy) > 0.3
    assert sum(angry) / len(angry) < -0.8


def test_some_video_ids_start_with_a_dash_and_some_are_numbers(trees):
    ids = [row["video"] for split in SPLITS for row in table(trees["demo-mosei"], "demo-mosei", split)]
    assert any(video.startswith("-") for video in ids)
    assert any(video.isdigit() for video in ids)


def test_only_some_utterances_are_unambiguous_in_words():
    for split in SPLITS:
        turns = [turn for dialogue in script.generate_conversations(split) for turn in dialogue]
        assert 0.5 < sum(turn.is_unambiguous for turn in turns) / len(turns) < 0.7


def test_starred_words_are_in_test_and_never_in_train():
    file = Path(corpora.__file__).with_name("emotions.toml")
    emotions = tomllib.loads(file.read_text(encoding="utf-8"))["emotion"].values()
    words = [word for rules in emotions for slot in ("feeling", "quality") for word in rules.get(slot, [])]
    starred = {word.removeprefix("*") for word in words if word.startswith("*")}
    assert len(starred) >= 30
    used = {split: words_of(script.generate_conversations(split)) for split in ("train", "test")}
    assert not starred & used["train"]
    assert len(starred & used["test"]) >= 10


def test_context_is_informative_about_the_next_emotion():
    pairs = [
        (a.affect.emotion, b.affect.emotion)
        for d in script.generate_conversations("train")
        for a, b in pairwise(d)
    ]
    share = Counter(emotion for _before, emotion in pairs)
    by_chance = sum((n / len(pairs)) ** 2 for n in share.values())
    assert sum(a == b for a, b in pairs) / len(pairs) > by_chance + 0.15


@pytest.mark.parametrize("name", TREES)
def test_the_tree_is_written_once_into_the_cache(name):
    first = read_corpus(DataSettings(reader=name))
    (folder,) = (cache_dir() / "demo").glob("[!.]*")
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*.csv")}
    second = read_corpus(DataSettings(reader=name))
    assert [path.name for path in (cache_dir() / "demo").glob("[!.]*")] == [folder.name]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.csv")} == stamps
    assert len(stamps) == 3
    assert first.fingerprint == second.fingerprint


def test_an_unfinished_draft_in_the_cache_is_not_used():
    draft = cache_dir() / "demo" / "draft-killed" / "Labels"
    draft.mkdir(parents=True)
    (draft / "Data_Train_modified.csv").write_text("video")
    assert len(read_corpus(DataSettings(reader="demo-mosei")).train) > 600


@pytest.mark.parametrize("name", TREES)
def test_a_demo_corpus_is_built_in_whatever_the_root(name, tmp_path):
    built_in = read_corpus(DataSettings(reader=name)).fingerprint
    assert read_corpus(DataSettings(reader=name, root=tmp_path / "none"), tmp_path).fingerprint == built_in


@pytest.mark.parametrize("name", TREES)
def test_a_damaged_cache_is_rewritten(name):
    built_in = read_corpus(DataSettings(reader=name)).fingerprint
    (folder,) = (cache_dir() / "demo").glob("[!.]*")
    file = next(folder.rglob("*.csv"))
    content = file.read_bytes()
    file.write_bytes(content[:-200])
    (folder / file.name).write_bytes(content[:500])
    assert read_corpus(DataSettings(reader=name)).fingerprint == built_in
    assert file.read_bytes() == content and len(list(folder.rglob("*.csv"))) == 3


def test_both_corpora_have_the_tasks_of_real_data():
    meld, mosei = (read_corpus(DataSettings(reader=name)) for name in TREES)
    assert meld.label_space("emotion").kind != "multi"
    assert mosei.label_space("emotion").kind == "multi"
    assert set(mosei.label_space("emotion").names) == MOSEI_LABELS
    assert meld.label_space("sentiment").names == mosei.label_space("sentiment").names


def test_a_cache_that_cannot_be_written_is_one_clear_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(CorpusError, match=r"cannot be written to .*; set SENTIR_CACHE_DIR"):
        read_corpus(DataSettings(reader="demo-meld"))
