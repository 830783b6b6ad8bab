"""Every layout of MELD is recognized from its root, and read alike."""

import os
import sys
from pathlib import Path

import meld_trees
import pytest
from meld_trees import SPLITS, row, tables, write

from sentir.audio.store import attach_audio
from sentir.errors import CorpusError
from sentir.i18n import format_bytes
from sentir.progress import show_progress
from sentir.readers import read_corpus
from sentir.readers.meld import files as meld_files
from sentir.recipe import DataSettings

LAYOUTS = meld_trees.layouts()
IDS = [f"meld/{split}/dia0/utt{n}" for split in SPLITS for n in (0, 1)]
COMMON_ISSUES = {"layout_recognized", "row_count_differs"}  # issues that every tree of a few rows has


def read(root, *, audio=True, **settings):
    return read_corpus(DataSettings(reader="meld", audio=audio, **settings), root)


def issues_of(corpus):
    return [(i.kind, i.where) for i in corpus.issues if i.kind not in COMMON_ISSUES]


def recognized(corpus):
    (message,) = (issue.message for issue in corpus.issues if issue.kind == "layout_recognized")
    return message


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_is_read_alike_with_its_audio(tmp_path, layout):
    corpus = read(write(tmp_path / "data", layout))
    assert [u.id for u in corpus] == IDS and issues_of(corpus) == []
    assert [u.text for u in corpus] == [f"I am {split} {n}." for split in SPLITS for n in (0, 1)]
    assert all(u.clip.path.stem == f"dia0_utt{u.id[-1]}" and u.split in str(u.clip.path) for u in corpus)
    assert {round(u.audio.seconds, 1) for u in attach_audio(corpus.utterances)} == {0.3}
    assert recognized(corpus).endswith("CSV files: 3, utterances: 6, clips: 6.")


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_text_only_is_read_alike_and_nothing_is_unpacked_for_it(tmp_path, layout):
    root = write(tmp_path / "data", layout)
    before = sorted(root.rglob("*"))
    corpus = read(root, audio=False)
    assert [u.id for u in corpus] == IDS and issues_of(corpus) == [] and {u.clip for u in corpus} == {None}
    assert sorted(root.rglob("*")) == before
    assert corpus.fingerprint == read(root).fingerprint


@pytest.mark.parametrize(
    ("layout", "description"),
    [
        ("Kaggle", "MELD as on Kaggle (zaber666/meld-dataset)"),
        ("kagglehub", "MELD as on Kaggle (zaber666/meld-dataset)"),
        ("unpacked", "MELD as in the authors' archive, unpacked"),
        ("packed", "MELD, packed (MELD.Raw.tar.gz)"),
        ("half packed", "MELD, packed (dev.tar.gz, test.tar.gz, train.tar.gz)"),
        ("train packed", "MELD, packed (train.tar.gz)"),
    ],
)
def test_the_recognized_layout_is_one_message(tmp_path, layout, description):
    assert description in recognized(read(write(tmp_path / "data", LAYOUTS[layout])))


def test_csv_files_without_clips_are_recognized(tmp_path):
    files = {f"data/MELD/{split}_sent_emo.csv": content for split, content in tables().items()}
    corpus = read(write(tmp_path / "repository", files))
    assert "the CSV files of MELD" in recognized(corpus) and issues_of(corpus) == [
        ("corpus_without_audio", "repository")
    ]


@pytest.mark.parametrize("layout", ["Kaggle", "packed", "half packed in MELD.Raw", "wav"])
@pytest.mark.parametrize("above", [1, 3])
def test_a_root_above_the_tree_reads_the_same(tmp_path, layout, above):
    write(tmp_path.joinpath("top", *"abc"[:above]), LAYOUTS[layout])
    assert [u.clip is not None for u in read(tmp_path / "top")] == [True] * 6


def test_the_archive_itself_may_be_the_root(tmp_path):
    write(tmp_path, {"my download.tar.gz": meld_trees.packed()})
    for audio in (False, True):
        corpus = read(tmp_path / "my download.tar.gz", audio=audio)
        assert [u.id for u in corpus] == IDS and [u.clip is not None for u in corpus] == [audio] * 6
        assert "packed (my download.tar.gz)" in recognized(corpus)


def test_the_newest_version_of_kagglehub_is_read(tmp_path):
    for version in ("1", "2", "10"):
        rows = {split: [row(0, 0, f"version {version}")] for split in SPLITS}
        tree = meld_trees.authors_tree(rows=rows)
        write(tmp_path, {f"versions/{version}/MELD-RAW/MELD.Raw/{name}": c for name, c in tree.items()})
    assert {u.text for u in read(tmp_path, audio=False)} == {"version 10"}


def test_unpacking_is_logged_with_the_size_and_done_once(tmp_path, capsys):
    root = write(tmp_path / "data", LAYOUTS["packed"])
    with show_progress():
        read(root)
    logged = "".join(capsys.readouterr().err.split())
    size = format_bytes((root / "MELD.Raw.tar.gz").stat().st_size).replace(" ", "")
    assert f"{root}/MELD.Raw.tar.gz({size})into{root}/MELD.Raw.unpacked,once." in logged
    with show_progress():
        again = read(root)
    assert capsys.readouterr().err == "" and [u.clip is not None for u in again] == [True] * 6


def test_an_archive_whose_clips_are_there_is_left_packed(tmp_path):
    root = write(tmp_path / "data", LAYOUTS["unpacked"] | {"train.tar.gz": b"never opened"})
    assert issues_of(read(root)) == []


def test_where_nothing_can_be_written_archives_are_unpacked_into_the_cache(tmp_path, monkeypatch):
    root = write(tmp_path / "data", LAYOUTS["packed"])
    before = sorted(root.rglob("*"))
    monkeypatch.setattr("os.access", lambda *_: False)
    corpus = read(root)
    assert issues_of(corpus) == [] and sorted(root.rglob("*")) == before
    assert not any(Path(u.clip.path).is_relative_to(tmp_path) for u in corpus)


def test_a_truncated_archive_is_one_sentence_and_leaves_nothing(tmp_path):
    whole = LAYOUTS["packed"]["MELD.Raw.tar.gz"]
    root = write(tmp_path / "data", {"MELD.Raw.tar.gz": whole[: len(whole) * 9 // 10]})
    with pytest.raises(CorpusError, match=r"MELD\.Raw\.tar\.gz is damaged or incomplete .*; download it again"):
        read(root)
    assert sorted(path.name for path in root.iterdir()) == ["MELD.Raw.tar.gz"]


def test_clips_in_folders_of_no_split_are_counted_and_not_guessed(tmp_path):
    files = {f"{split}_sent_emo.csv": content for split, content in tables().items()}
    corpus = read(
        write(tmp_path / "data", files | {f"clips/{name}": c for name, c in meld_trees.clips().items()})
    )
    assert {u.clip for u in corpus} == {None}
    assert issues_of(corpus) == [("corpus_without_audio", "data"), ("clips_unreferenced", "data")]


def test_a_tree_that_lacks_a_table_names_it_and_the_root(tmp_path):
    tree = {name: content for name, content in LAYOUTS["half packed"].items() if name != "dev_sent_emo.csv"}
    root = write(tmp_path / "data", tree)
    with pytest.raises(CorpusError, match=r"Under .*data there is no dev_sent_emo\.csv; give the folder"):
        read(root)


def test_the_split_of_a_folder_is_recognized_by_its_name():
    assert meld_files._split_from_path(Path("test/output_repeated_splits_test")) == "test"
    assert meld_files._split_from_path(Path("test/dev_splits_complete")) == "dev"
    assert meld_files._split_from_path(Path("latest/restrained")) is None


@pytest.mark.parametrize(
    "above", ["", "datasets", "datasets/zaber666", "datasets/zaber666/meld-dataset/versions"]
)
def test_the_cache_that_a_download_went_to_is_a_root(tmp_path, above):
    write(tmp_path / "datasets/zaber666/meld-dataset/versions/7", LAYOUTS["Kaggle"])
    corpus = read(tmp_path / above)
    assert [u.clip is not None for u in corpus] == [True] * 6 and issues_of(corpus) == []


def test_of_a_cache_the_newest_version_is_read(tmp_path):
    for version in ("9", "10"):
        tree = meld_trees.authors_tree(rows={split: [row(0, 0, f"version {version}")] for split in SPLITS})
        write(tmp_path / f"datasets/zaber666/meld-dataset/versions/{version}/MELD.Raw", tree)
    assert {u.text for u in read(tmp_path, audio=False)} == {"version 10"}


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8")
@pytest.mark.parametrize("inner", [b"", b"/\xe1rbol"])
def test_a_folder_name_that_is_not_utf8_is_rejected(tmp_path, inner):
    name = os.fsencode(tmp_path) + (inner or b"/\xe1rbol")
    os.mkdir(name)
    folder = Path(os.fsdecode(name))
    write(folder, LAYOUTS["wav"])
    with pytest.raises(CorpusError, match=r"is not UTF-8; rename it") as error:
        read(tmp_path if inner else folder)
    str(error.value).encode()


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8")
def test_a_file_name_that_is_not_utf8_is_shown_if_the_file_is_not_read(tmp_path):
    root = write(tmp_path / "data", LAYOUTS["wav"])
    Path(os.fsdecode(os.fsencode(root) + b"/\xe1rbol.csv")).write_bytes(b"x\n")
    ((_kind, where),) = issues_of(read(root))
    assert where == "\ufffdrbol.csv"


@pytest.mark.parametrize("column", ["Utterance", "Emotion", "Dialogue_ID"])
def test_a_duplicate_column_is_rejected(tmp_path, column):
    files = {f"{split}_sent_emo.csv": c.replace(b"Season", column.encode(), 1) for split, c in tables().items()}
    with pytest.raises(CorpusError, match=rf"train_sent_emo\.csv has two columns called '{column}'"):
        read(write(tmp_path / "data", files))
