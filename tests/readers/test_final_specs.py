"""The thesis' spectrograms: joined with their texts by id, in the official splits, without augmented copies."""

import io

import numpy as np
import pytest
from meld_trees import SPLITS, row, table, write

from sentir.api import audit_corpus, prepare_corpus
from sentir.audio.store import attach_audio
from sentir.errors import CorpusError
from sentir.readers import read_corpus
from sentir.recipe import DataSettings

MELD_ROWS = {"train": 4, "dev": 2, "test": 2}
MOSEI_COLUMNS = "video,start_time,end_time,sentiment,happy,sad,anger,surprise,disgust,fear,text,ASR"
MOSEI_ROWS = {"Train": "vid-1_a,-0.25,3.5", "Val": "-3g5,0.0,4.125", "Test": "100499,1.5,2.75"}


def spectrogram(value=-40.0, shape=(224, 224)):
    out = io.BytesIO()
    np.save(out, np.full(shape, value, np.float64))
    return out.getvalue()


def meld_texts(folder=""):
    return {
        f"{folder}{split}_sent_emo.csv": table([row(0, n, f"I am {split} {n}.") for n in range(MELD_ROWS[split])])
        for split in SPLITS
    }


def mosei_texts(folder=""):
    return {
        f"{folder}Data_{name}_modified.csv": f"{MOSEI_COLUMNS}\n{times},1,1,0,0,0,0,0,words,words\n".encode()
        for name, times in MOSEI_ROWS.items()
    }


MELD_SPECS = {
    "final_specs/meld_train/dia0_utt0.npy": spectrogram(),
    "final_specs/meld_train/joy/dia0_utt1.npy": spectrogram(),
    "final_specs/meld_dev/dia0_utt0.npy": spectrogram(),
    "final_specs/meld_dev/dia0_utt1.npy": spectrogram(),
    "final_specs/meld_test/dia0_utt2.npy": spectrogram(),
}
MOSEI_SPECS = {
    "final_specs/mosei_train/vid-1_a_-0.2500_3.5000.wav.npy": spectrogram(),
    "final_specs/mosei_dev/-3g5_0.0000_4.1250.wav.npy": spectrogram(),
    "final_specs/mosei_test/100499_1.5000_2.7500.wav.npy": spectrogram(),
}


def read(root, *, audio=True, **settings):
    return read_corpus(DataSettings(reader="final_specs", audio=audio, **settings), root)


def paths(corpus):
    return {u.id: u.clip.path.name for u in corpus if u.clip}


def listed(corpus, *kinds):
    return [(i.kind, i.severity, i.where) for i in corpus.issues if i.kind in kinds]


def test_each_spectrogram_of_meld_is_the_clip_of_its_utterance_and_is_loaded(tmp_path):
    corpus = read(write(tmp_path, MELD_SPECS | meld_texts()))
    assert paths(corpus) == {
        "meld/train/dia0/utt0": "dia0_utt0.npy",
        "meld/train/dia0/utt1": "dia0_utt1.npy",
        "meld/train/dia0/utt2": "dia0_utt2.npy",
        "meld/dev/dia0/utt0": "dia0_utt0.npy",
        "meld/dev/dia0/utt1": "dia0_utt1.npy",
    }
    assert corpus.train[0].labels == {"emotion": ("joy",), "sentiment": ("positive",)}
    loaded = [u for u in attach_audio(corpus.utterances, mel_kind="thesis") if u.clip]
    assert [u.audio.mel.shape for u in loaded] == [(224, 224)] * 5
    assert corpus.issues[0].message == "Recognized: the thesis' spectrograms of meld; used: 5."


def test_its_test_folder_stays_in_the_official_train_split_with_a_warning(tmp_path):
    corpus = read(write(tmp_path, MELD_SPECS | meld_texts()))
    assert corpus.by_id["meld/train/dia0/utt2"].clip.path.parent.name == "meld_test"
    assert {u.clip for u in corpus.test} == {None}
    assert listed(corpus, "split_differs_from_official", "corpus_without_audio") == [
        ("split_differs_from_official", "warning", "meld_test"),
        ("corpus_without_audio", "warning", "test"),
    ]
    (message,) = (i.message for i in corpus.issues if i.kind == "split_differs_from_official")
    assert "official train split: 1." in message


def test_every_utterance_is_kept_and_those_without_spectrogram_are_listed(tmp_path):
    corpus = read(write(tmp_path, MELD_SPECS | meld_texts()))
    assert len(corpus) == sum(MELD_ROWS.values())
    assert listed(corpus, "audio_file_missing") == [("audio_file_missing", "problem", "meld/train/dia0/utt3")]


def test_mosei_is_joined_by_video_and_times(tmp_path):
    corpus = read(write(tmp_path, MOSEI_SPECS | mosei_texts("Labels/")))
    assert [u.split for u in corpus if u.clip] == ["train", "dev", "test"] and len(corpus) == 3
    assert [u.clip.path.parent.name for u in corpus] == ["mosei_train", "mosei_dev", "mosei_test"]
    assert listed(corpus, "split_differs_from_official", "audio_file_missing", "clips_unreferenced") == []


def test_a_spectrogram_of_mosei_in_a_folder_of_another_split_keeps_the_official_one(tmp_path):
    moved = {name.replace("mosei_train", "mosei_test"): content for name, content in MOSEI_SPECS.items()}
    corpus = read(write(tmp_path, moved | mosei_texts()))
    assert corpus.train[0].clip is not None
    assert listed(corpus, "split_differs_from_official") == [
        ("split_differs_from_official", "warning", "mosei_test")
    ]


def test_augmented_copies_are_counted_and_never_rows(tmp_path):
    copies = {
        "final_specs/augmented_specs_meld/meld_train/dia0_utt3_aug_joy_1.npy": spectrogram(),
        "final_specs/augmented_specs_meld/dia0_utt3.npy": spectrogram(),
        "final_specs/meld_dev/dia0_utt0_aug_fear_2.npy": spectrogram(),
    }
    root = write(tmp_path, MELD_SPECS | copies | meld_texts())
    corpus = read(root)
    assert len(corpus) == sum(MELD_ROWS.values()) and len(paths(corpus)) == len(MELD_SPECS)
    (issue,) = (i for i in corpus.issues if i.kind == "augmented_copies_ignored")
    assert ": 3." in issue.message and listed(corpus, "clips_unreferenced") == []


def test_unmatched_and_repeated_spectrograms_are_counted(tmp_path):
    unmatched = dict.fromkeys(
        (
            "final_specs/meld_train/dia7_utt7.npy",
            "final_specs/meld_test/dia0_utt0.npy",
            "final_specs/meld_dev/x.npy",
        ),
        spectrogram(),
    )
    corpus = read(write(tmp_path, MELD_SPECS | unmatched | meld_texts()))
    assert corpus.by_id["meld/train/dia0/utt0"].clip.path.parent.name == "meld_train"
    (issue,) = (i for i in corpus.issues if i.kind == "clips_unreferenced")
    assert ": 3;" in issue.message


@pytest.mark.parametrize("location", ["under the root", "beside final_specs", "elsewhere"])
def test_texts_are_near_the_spectrograms_or_where_the_recipe_says(tmp_path, location):
    write(tmp_path / "specs", MELD_SPECS)
    texts = tmp_path / ("elsewhere" if location == "elsewhere" else "specs")
    write(texts, meld_texts("data/MELD/"))
    root = tmp_path / "specs" / ("final_specs" if location == "beside final_specs" else "")
    corpus = read(root, **({"final_specs": {"text_root": texts}} if location == "elsewhere" else {}))
    assert len(paths(corpus)) == len(MELD_SPECS)


def test_of_two_corpora_the_texts_decide_which_is_read(tmp_path):
    root = write(tmp_path / "specs", MELD_SPECS | MOSEI_SPECS)
    meld, mosei = write(tmp_path / "meld", meld_texts()), write(tmp_path / "mosei", mosei_texts())
    assert (
        read(root, final_specs={"text_root": meld}).name == "meld"
        and read(root, final_specs={"text_root": mosei}).name == "mosei"
    )
    write(root, meld_texts() | mosei_texts())
    with pytest.raises(
        CorpusError, match=r"texts of MELD and of CMU-MOSEI under .* with 'data\.final_specs\.text_root'"
    ):
        read(root)


def test_without_texts_or_spectrograms_the_error_names_what_to_give(tmp_path):
    root = write(tmp_path / "specs", MELD_SPECS)
    with pytest.raises(CorpusError, match=r"no texts and labels of MELD or CMU-MOSEI under .*; set their folder"):
        read(root)
    texts = write(tmp_path / "texts", meld_texts())
    with pytest.raises(CorpusError, match=r"no spectrograms of meld under .*; give the folder that contains"):
        read(texts)
    assert len(read(root, audio=False, final_specs={"text_root": texts})) == sum(MELD_ROWS.values())


def test_labels_of_test_stay_sealed_and_the_corpus_is_that_of_its_texts(tmp_path):
    corpus = read(write(tmp_path, MELD_SPECS | meld_texts()))
    alone = read_corpus(DataSettings(reader="meld"), tmp_path)
    assert {tuple(u.labels) for u in corpus.test} == {()}
    assert (corpus.fingerprint, corpus.test_fingerprint) == (alone.fingerprint, alone.test_fingerprint)


def test_the_spectrogram_of_a_wrong_clip_is_not_used(tmp_path):
    key = "meld/train/dia309/utt0"
    texts = meld_texts() | {"train_sent_emo.csv": table([row(309, 0, "Hi."), row(0, 0, "I am train 0.")])}
    specs = MELD_SPECS | {"final_specs/meld_train/dia309_utt0.npy": spectrogram()}
    corpus = read(write(tmp_path, specs | texts))
    assert corpus.by_id[key].clip is None and corpus.by_id["meld/train/dia0/utt0"].clip is not None
    assert [
        kind for kind, _severity, where in listed(corpus, "clip_mismatched", "audio_file_missing") if where == key
    ] == ["clip_mismatched"]


def test_audit_and_preparation_treat_spectrograms_as_such(tmp_path):
    specs = MELD_SPECS | {"final_specs/meld_dev/dia0_utt1.npy": spectrogram(-30.0)}
    found = audit_corpus("final_specs", root=write(tmp_path, specs | meld_texts()), workers=1)
    assert "unusable_no_audio" not in {finding.kind for finding in found.findings}
    rows = {row["split"]: row for row in found.table("clips").rows}
    assert [(rows[split]["usable"], rows[split]["seconds"]) for split in SPLITS] == [
        (3, None),
        (2, None),
        (0, None),
    ]
    repeats = {row["split"]: row["utterances"] for row in found.table("repeats").rows if row["kind"] == "clips"}
    assert repeats == {"train": 2, "dev": 0, "test": 0}
    prepared = prepare_corpus("final_specs", root=tmp_path, workers=1)
    assert prepared.mel_kind == "thesis" and {lost.kind for lost in prepared.unusable} == {"missing"}


def test_an_invalid_spectrogram_is_a_problem_when_it_is_loaded(tmp_path):
    specs = MELD_SPECS | {"final_specs/meld_dev/dia0_utt0.npy": spectrogram(shape=(3, 3))}
    corpus = read(write(tmp_path, specs | meld_texts()))
    (utterance,) = attach_audio([corpus.by_id["meld/dev/dia0/utt0"]], mel_kind="thesis")
    assert utterance.audio.problem_kind == "undecodable" and utterance.text
