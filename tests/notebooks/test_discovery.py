"""Corpora are discovered below a folder with datasets."""

import shutil

import numpy as np
import pytest
from tiny_trees import attach

from sentir.errors import CorpusError
from sentir.readers import read_corpus
from sentir.readers.discovery import find_corpora


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    return attach(tmp_path_factory.mktemp("datasets"))


def test_nothing_is_found_in_an_empty_or_missing_folder(tmp_path):
    assert find_corpora(tmp_path) == {}
    assert find_corpora(f"{tmp_path}/absent") == {}


def test_both_corpora_are_found_with_audio(datasets):
    found = find_corpora(datasets)
    assert {name: (data.reader, data.audio) for name, data in found.items()} == {
        "meld": ("meld", True),
        "mosei": ("mosei", True),
    }
    assert any(u.clip for u in read_corpus(found["mosei"]))


def test_datasets_are_found_in_folders_of_their_owners(datasets, tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "someone").symlink_to(datasets, target_is_directory=True)
    assert find_corpora(tmp_path)["meld"].root == tmp_path / "datasets" / "someone" / "meld-dataset"


def test_of_two_copies_the_one_with_audio_is_used(datasets, tmp_path):
    attach(tmp_path, audio=False)
    (tmp_path / "zzz").symlink_to(datasets / "meld-dataset", target_is_directory=True)
    found = find_corpora(tmp_path)
    assert found["meld"].root == tmp_path / "zzz" and found["meld"].audio
    assert not found["mosei"].audio


def test_spectrogram_files_replace_missing_audio(tmp_path):
    attach(tmp_path, audio=False)
    folder = tmp_path / "spectrograms" / "final_specs" / "meld_train"
    folder.mkdir(parents=True)
    np.save(folder / "dia0_utt0.npy", np.zeros((224, 224), np.float32))
    found = find_corpora(tmp_path)
    assert (found["meld"].reader, found["mosei"].reader) == ("final_specs", "mosei")
    assert [u.id for u in read_corpus(found["meld"]) if u.clip] == ["meld/train/dia0/utt0"]


def test_an_incomplete_corpus_is_an_error_that_names_the_missing_file(tmp_path):
    attach(tmp_path, audio=False)
    (missing,) = tmp_path.rglob("dev_sent_emo.csv")
    missing.unlink()
    with pytest.raises(CorpusError, match="dev_sent_emo"):
        find_corpora(tmp_path)
    shutil.rmtree(tmp_path / "meld-dataset")
    assert set(find_corpora(tmp_path)) == {"mosei"}
