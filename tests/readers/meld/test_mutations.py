"""Damaged trees of MELD: an error with a remedy, or an issue for every missing row."""

import os
import random
import shutil

import meld_trees
import pytest
from meld_trees import SPLITS, row, write

from sentir.errors import SentirError
from sentir.readers import read_corpus
from sentir.recipe import DataSettings

ROWS = {split: [row(d, n, f"“{split}” {d}, {n}, don’t") for d in (0, 1) for n in range(3)] for split in SPLITS}
TREES = {
    "unpacked": meld_trees.authors_tree(rows=ROWS)
    | {"test/output_repeated_splits_test/._dia0_utt0.mp4": b"stray"},
    "packed": {"MELD.Raw.tar.gz": meld_trees.packed()},
    "half packed": meld_trees.half_packed(),
    "wav": meld_trees.authors_tree(".wav", rows=ROWS),
}
IDS = {f"meld/{split}/dia{d}/utt{n}" for split in SPLITS for d in (0, 1) for n in range(3)}


def truncate(path, chance):
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size + 1)])


def flip(path, chance):
    content = bytearray(path.read_bytes())
    for _ in range(chance.randrange(1, 4)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def empty(path, _chance):
    path.write_bytes(b"")


def noise(path, chance):
    path.write_bytes(chance.randbytes(chance.randrange(1, 400)))


def remove(path, _chance):
    path.unlink()


def rename(path, chance):
    path.rename(path.with_name(chance.choice(["x", path.name + ".part", path.name.upper(), "dia99_utt99.mp4"])))


def to_folder(path, _chance):
    path.unlink()
    path.mkdir()


def loop(path, _chance):
    path.unlink()
    path.symlink_to(path)


def link_above(path, _chance):
    path.unlink()
    path.symlink_to(path.parent.parent)


def dangling(path, _chance):
    path.unlink()
    path.symlink_to("nowhere")


def swap(path, chance):
    others = sorted(p for p in path.parent.rglob("*") if p.is_file() and p != path)
    if others:
        other = chance.choice(others)
        own_content, other_content = path.read_bytes(), other.read_bytes()
        path.write_bytes(other_content)
        other.write_bytes(own_content)


def unreadable(path, _chance):
    path.chmod(0)


def no_entry(path, _chance):
    path.parent.chmod(0)


MUTATIONS = (truncate, flip, empty, noise, remove, rename, swap)
MUTATIONS += (to_folder, loop, link_above, dangling, unreadable, no_entry)


def read(root, audio):
    """Return the corpus, or ``None`` if it was rejected with one sentence."""
    try:
        return read_corpus(DataSettings(reader="meld", audio=audio), root)
    except SentirError as error:
        assert str(error).strip().endswith((".", ")")) and "\n" not in str(error).strip()
        return None


@pytest.fixture
def readable(tmp_path):
    yield tmp_path
    for folder, *_rest in os.walk(tmp_path):
        os.chmod(folder, 0o700)


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
@pytest.mark.parametrize("tree", TREES)
def test_a_damaged_tree_is_rejected_in_one_sentence_or_every_loss_is_listed(readable, tree, mutate):
    num_rejected = 0
    for n in range(6):
        chance = random.Random(f"{tree} {mutate.__name__} {n}")
        root = write(readable / str(n), TREES[tree])
        files = sorted(p for p in root.rglob("*") if p.is_file())
        tables = [p for p in files if p.suffix == ".csv"]
        mutate(chance.choice(tables if tables and n % 2 else files), chance)
        corpus = read(root, audio=n % 3 != 2)
        if corpus is None:
            num_rejected += 1
            continue
        whole = IDS if tree in ("unpacked", "wav") else {f"meld/{s}/dia0/utt{n}" for s in SPLITS for n in (0, 1)}
        listed = {issue.kind for issue in corpus.issues}
        if lost := whole - {u.id for u in corpus}:
            assert listed & {"row_skipped", "row_count_differs"}, lost
        without_clip = {u.id for u in corpus if u.clip is None}
        explained = {i.where for i in corpus.issues if i.kind == "audio_file_missing"}
        assert n % 3 == 2 or "corpus_without_audio" in listed or without_clip == explained
    assert num_rejected < 6 or "packed" in tree.split()


@pytest.mark.parametrize("seed", range(25))
def test_a_damaged_table_never_loses_a_row_silently(tmp_path, seed):
    chance = random.Random(seed)
    root = write(tmp_path / "data", TREES["wav"])
    (flip if seed % 2 else truncate)(root / "dev_sent_emo.csv", chance)
    corpus = read(root, audio=False)
    if corpus is not None:
        lost = IDS - {u.id for u in corpus}
        reasons = [i for i in corpus.issues if i.kind in ("row_skipped", "row_count_differs")]
        assert not lost or [i for i in reasons if i.where.startswith("dev_sent_emo.csv")]


def test_folders_that_link_to_one_another_end(tmp_path):
    root = write(tmp_path / "data", TREES["unpacked"])
    (root / "train" / "again").symlink_to(root)
    (root / "dev" / "train").symlink_to(root / "train")
    shutil.copy(root / "dev_sent_emo.csv", root / "train" / "copy.csv")
    corpus = read(root, audio=True)
    assert corpus is not None and {u.id for u in corpus} == IDS
