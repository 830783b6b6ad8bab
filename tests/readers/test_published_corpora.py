"""Readers of published corpora, on small trees with their names and formats."""

import json
import zipfile

import corpus_trees
import pytest

from sentir.api import init_recipe
from sentir.errors import CorpusError
from sentir.readers import read_corpus
from sentir.readers.layouts import recognize_layout
from sentir.recipe import DataSettings, Recipe
from sentir.testing import check_reader

CLIPS = {"ravdess": 192, "cremad": 241, "emodb": 70, "savee": 28, "tess": 281, "mesd": 360}
TEXTS = {"iemocap": 20, "emorynlp": 9, "dailydialog": 9, "goemotions": 6, "mmeld": 6}


@pytest.fixture
def tree(tmp_path):
    def write(name):
        root = tmp_path / name
        getattr(corpus_trees, name)(root)
        return root

    return write


@pytest.mark.parametrize(("name", "count"), (CLIPS | TEXTS).items())
def test_every_reader_keeps_the_contract_and_is_recognized(name, count, tree):
    root = tree(name)
    corpus = check_reader(name, root)
    assert len(corpus) == count and recognize_layout(root) == name
    assert "row_count_differs" in {issue.kind for issue in corpus.issues}


@pytest.mark.parametrize("name", CLIPS)
def test_clips_are_split_by_their_unit(name, tree):
    corpus = read_corpus(DataSettings(reader=name), tree(name))
    (unit,) = corpus.groups.values()
    split_of = {}
    assert all(split_of.setdefault(unit[u.id], u.split) == u.split for u in corpus)
    assert all(u.text is None and u.clip is not None for u in corpus)


def test_ravdess_has_its_labels_genders_and_published_folds_and_no_copies_songs_or_videos(tree):
    root = tree("ravdess")
    corpus = read_corpus(DataSettings(reader="ravdess"), root)
    u = corpus.find("03-01-06-01-01-01-02")
    assert (u.labels, u.speaker, corpus.slices["gender"][u.id]) == ({"emotion": ("fear",)}, "actor02", "female")
    assert {one.speaker for one in corpus.test} == {f"actor{n}" for n in range(21, 25)}
    assert "audio_speech" not in str(u.clip.path)
    (note,) = [issue for issue in corpus.issues if issue.kind == "clips_unreferenced"]
    assert "194" in note.message
    folds = read_corpus(DataSettings(reader="ravdess", folds={"column": "fold"}), root)
    assert len(folds) == len(corpus) and set(folds.folds.values()) == set("123456")
    assert {folds.folds[one.id] for one in folds if one.speaker == "actor21"} == {"1"}


@pytest.mark.parametrize("name", ["emodb", "savee"])
def test_folds_keep_speakers_whole(name, tree):
    corpus = read_corpus(DataSettings(reader=name, folds={"column": "fold"}), tree(name))
    fold_of = {}
    assert all(fold_of.setdefault(u.speaker, corpus.folds[u.id]) == corpus.folds[u.id] for u in corpus)


def test_cremad_has_votes_on_the_voice_and_labels_by_vote(tree):
    root = tree("cremad")
    intended = read_corpus(DataSettings(reader="cremad"), root)
    u = intended.find("1001_IEO_ANG_HI")
    assert u.scores["anger"] == 0.75 and u.scores["neutral"] == 0.25 and u.labels == {"emotion": ("anger",)}
    assert intended.slices["gender"][u.id] == "male"
    assert "clip_damaged" in {issue.kind for issue in intended.issues}
    voted = read_corpus(DataSettings(reader="cremad", cremad={"label": "voted"}), root)
    assert voted.find("1001_IEO_ANG_HI").labels == {"emotion": ("anger",)}
    assert voted.find("1001_IEO_DIS_HI").labels == {}
    (root / "processedResults/tabulatedVotes.csv").unlink()
    assert read_corpus(DataSettings(reader="cremad"), root).find("1001_IEO_ANG_HI").scores == {}
    with pytest.raises(CorpusError, match=r"tabulatedVotes\.csv"):
        read_corpus(DataSettings(reader="cremad", cremad={"label": "voted"}), root)


def test_tess_reads_its_misnamed_file_as_the_older_womans(tree):
    corpus = read_corpus(DataSettings(reader="tess"), tree("tess"))
    u = corpus.find("OA_bite_neutral")
    assert u.speaker == "OAF" and corpus.slices["age"][u.id] == "64"


def test_a_folder_without_its_clips_is_an_error_with_an_example(tmp_path):
    with pytest.raises(CorpusError, match=r"no clips of savee.*DC/a01"):
        read_corpus(DataSettings(reader="savee"), tmp_path)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [("four", ["anger", "joy", None, None]), ("six", ["anger", "excitement", "frustration", None])],
)
def test_iemocap_has_turns_by_time_speakers_by_turn_and_sets_of_labels(labels, expected, tree):
    root = tree("iemocap")
    corpus = read_corpus(DataSettings(reader="iemocap", audio=True, iemocap={"labels": labels}), root)
    turns = corpus.dialogues["iemocap/Ses01F_impro01"].utterances
    assert [u.labels.get("emotion", (None,))[0] for u in turns] == expected
    assert [u.text for u in turns] == [f"Line {n}." for n in range(4)]
    assert [u.speaker for u in turns] == ["Ses01F", "Ses01M"] * 2
    assert turns[0].labels["valence"] == (2.5,) and turns[0].labels["arousal"] == (5.0,)  # clamped from 5.5
    assert {u.dialogue[-16:-8] for u in corpus.test} == {"p/Ses05F"}
    (root / "IEMOCAP_full_release/Session2/dialog/transcriptions/Ses02F_impro01.txt").unlink()
    with pytest.raises(CorpusError, match="transcriptions"):
        read_corpus(DataSettings(reader="iemocap"), root)


def test_texts_have_their_labels(tree):
    def labels_of(name):
        return [sorted(u.labels["emotion"]) for u in read_corpus(DataSettings(reader=name), tree(name)).train]

    assert labels_of("emorynlp") == [["joy"], ["anger"], ["powerful"]]
    assert labels_of("dailydialog") == [["neutral"], ["joy"], ["surprise"]]
    assert labels_of("goemotions") == [["admiration", "neutral"], ["anger"]]


def test_quotation_marks_of_goemotions_are_those_of_the_comment(tree):
    root = tree("goemotions")
    cells = ['"I said ""No"" twice"', '"""Quoted"""', '"open', 'a "b" c', '"a" and "b"']
    rows = [f"{cell}\t{n}\tid{n}" for n, cell in enumerate(cells)]
    (root / "train.tsv").write_text("\n".join(rows), encoding="utf-8")
    texts = [u.text for u in read_corpus(DataSettings(reader="goemotions"), root).train]
    assert texts == ['I said "No" twice', '"Quoted"', *cells[2:]]


def test_mmeld_has_the_texts_of_the_language_also_from_the_archive(tree, tmp_path):
    root = tree("mmeld")
    corpus = read_corpus(DataSettings(reader="mmeld"), root)
    assert [u.text for u in corpus.train] == ["Hola train 0", "Hola train 1"] and corpus.name == "mmeld-es"
    packed = tmp_path / "packed"
    packed.mkdir()
    with zipfile.ZipFile(packed / "mmeld_data.zip", "w") as archive:
        for path in root.rglob("*.csv"):
            archive.write(path, path.relative_to(root))
    assert recognize_layout(packed) == "mmeld"
    assert read_corpus(DataSettings(reader="mmeld"), packed).fingerprint == corpus.fingerprint
    with pytest.raises(CorpusError, match="mmeld_gr_train"):
        read_corpus(DataSettings(reader="mmeld", mmeld={"language": "el"}), root)


def test_a_damaged_file_is_one_error_or_one_issue(tree):
    root = tree("emorynlp")
    (root / "json/emotion-detection-dev.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CorpusError, match="not a file of EmoryNLP"):
        read_corpus(DataSettings(reader="emorynlp"), root)
    root = tree("dailydialog")
    (root / "ijcnlp_dailydialog/train/dialogues_emotion_train.txt").write_text("0\n6\n", encoding="utf-8")
    corpus = read_corpus(DataSettings(reader="dailydialog"), root)
    assert len(corpus.train) == 1 and "row_skipped" in {issue.kind for issue in corpus.issues}
    root = tree("goemotions")
    (root / "train.tsv").write_text("a\t0\tx\nb\t99\ty\nc\t1\tx\n", encoding="utf-8")
    assert len(read_corpus(DataSettings(reader="goemotions"), root).train) == 1


def test_a_line_break_of_unicode_within_a_text_of_dailydialog_moves_no_label(tree):
    root = tree("dailydialog")
    folder = root / "ijcnlp_dailydialog/train"
    texts = "Hello\u2028you . __eou__ Hi ! __eou__\nWhat ? __eou__ No . __eou__\n"
    (folder / "dialogues_train.txt").write_text(texts, encoding="utf-8")
    (folder / "dialogues_emotion_train.txt").write_text("0 4\n6 3\n", encoding="utf-8")
    corpus = read_corpus(DataSettings(reader="dailydialog"), root)
    labels = [(u.text, *u.labels["emotion"]) for u in corpus.train]
    assert labels[1:] == [("Hi !", "joy"), ("What ?", "surprise"), ("No .", "fear")] and len(corpus.train) == 4


@pytest.mark.parametrize(
    "content",
    [
        b"\x81\x81 \xff\xfe\x00",
        b"[" * 100_000,
        b'{"episodes": [{"scenes": [{"scene_id": "a", "utterances": [7]}]}]}',
        b'{"episodes": [{"scenes": [{"scene_id": "a", "utterances": [{"utterance_id": "a_1", "speakers": [], '
        b'"transcript": "Hi \\ud83d", "emotion": "Mad"}]}]}]}',
        b'{"episodes": [{"scenes": [{"scene_id": "a", "utterances": [{"utterance_id": "a_1", "speakers": [], '
        b'"transcript": {"a": 1}, "emotion": "Mad"}]}]}]}',
    ],
)
def test_what_is_no_file_of_emorynlp_is_one_error(content, tree):
    root = tree("emorynlp")
    (root / "json/emotion-detection-dev.json").write_bytes(content)
    with pytest.raises(CorpusError, match="emotion-detection-dev"):
        read_corpus(DataSettings(reader="emorynlp"), root)


@pytest.mark.parametrize(("name", "has_text"), [("savee", False), ("mmeld", True)])
def test_a_recipe_is_drafted_for_a_recognized_folder(name, has_text, tree, tmp_path):
    root = tree(name)
    draft = init_recipe(root, out=tmp_path / "r.toml")
    recipe = Recipe.load(draft.path)
    assert recipe.data.reader == name and len(read_corpus(recipe.data)) == sum(draft.splits.values())
    assert recipe.data.audio is not has_text and draft.to_dict()["columns"] == []


def test_an_unknown_folder_is_not_recognized(tmp_path):
    corpus_trees.touch(tmp_path, "a.wav", "b.wav", "03a01Wa.wav")
    assert recognize_layout(tmp_path) is None


class TestEmobox:
    def test_keeps_the_contract_and_cuts_dev_by_speaker(self, tmp_path):
        corpus_trees.emobox(tmp_path)
        corpus = check_reader("emobox", tmp_path)
        speakers = [{u.speaker for u in corpus.split(split)} for split in ("train", "dev", "test")]
        assert [len(one) for one in speakers] == [2, 1, 1] and len(set.union(*speakers)) == 4
        assert corpus.label_spaces["emotion"].names == ("anger", "joy", "sadness")  # "h" is "H" in the map
        assert corpus.name == "savee" and speakers[2] == {"JE"}

    def test_another_fold_has_another_test(self, tmp_path):
        corpus_trees.emobox(tmp_path)
        corpus = read_corpus(DataSettings(reader="emobox", emobox={"fold": 2}), tmp_path)
        assert {u.speaker for u in corpus.test} == {"KL"}
        with pytest.raises(CorpusError, match="no fold 9; it has: 1, 2, 3"):
            read_corpus(DataSettings(reader="emobox", emobox={"fold": 9}), tmp_path)

    def test_its_folds_are_those_of_cross_validation(self, tmp_path):
        corpus_trees.emobox(tmp_path)
        corpus = read_corpus(DataSettings(reader="emobox", folds={"column": "fold"}), tmp_path)
        assert {u.speaker: corpus.folds[u.id] for u in corpus} == {"JE": "1", "KL": "2", "DC": "3", "JK": "3"}

    def test_speakers_in_train_and_test_are_a_warning(self, tmp_path):
        folder = corpus_trees.emobox(tmp_path)
        names = [folder / f"fold_1/savee_{split}_fold_1.jsonl" for split in ("train", "test")]
        train, test = (path.read_text(encoding="utf-8").splitlines() for path in names)
        names[0].write_text("\n".join([*train, test[0]]), encoding="utf-8")
        names[1].write_text("\n".join(test[1:]), encoding="utf-8")
        corpus = read_corpus(DataSettings(reader="emobox"), tmp_path)
        assert "speakers_shared" in {issue.kind for issue in corpus.issues} and list(corpus.groups) == ["clip"]

    def test_missing_clips_are_listed_and_others_found_by_name(self, tmp_path):
        corpus_trees.emobox(tmp_path)
        audio = tmp_path / "downloads/savee"
        (audio / "KL_a01.wav").unlink()
        (audio / "sub").mkdir()
        (audio / "JE_a01.wav").rename(audio / "sub/JE_a01.ogg")
        corpus = read_corpus(DataSettings(reader="emobox"), tmp_path)
        assert corpus.find("savee-JE-a01").clip.path.name == "JE_a01.ogg"
        assert [i.where for i in corpus.issues if i.kind == "audio_file_missing"] == ["savee/savee-KL-a01"]
        moved = audio.rename(tmp_path / "elsewhere")
        with pytest.raises(CorpusError, match=r"audio_root"):
            read_corpus(DataSettings(reader="emobox"), tmp_path)
        elsewhere = read_corpus(DataSettings(reader="emobox", emobox={"audio_root": moved}), tmp_path)
        assert elsewhere.fingerprint == corpus.fingerprint

    def test_segments_no_agreement_and_what_is_refused(self, tmp_path):
        folder = corpus_trees.emobox(tmp_path)
        (folder / "label_map.json").write_text(json.dumps({"a": "No-agreement", "h": "Poker", "sa": "Sad"}))
        path = folder / "fold_1/savee_test_fold_1.jsonl"
        row = json.loads(path.read_text(encoding="utf-8").splitlines()[1])
        path.write_text(json.dumps(row | {"start_time": 1.0, "end_time": 2.5}), encoding="utf-8")
        corpus = read_corpus(DataSettings(reader="emobox"), tmp_path)
        assert corpus.label_spaces["emotion"].names == ("poker", "sadness")
        assert (corpus.test[0].clip.start, corpus.test[0].clip.end) == (1.0, 2.5)
        path.write_text(json.dumps(row | {"emo": "zz"}), encoding="utf-8")
        with pytest.raises(CorpusError, match="'zz' is not in EmoBox's label map"):
            read_corpus(DataSettings(reader="emobox"), tmp_path)
        path.write_text("{", encoding="utf-8")
        with pytest.raises(CorpusError, match="line 1 is not JSON"):
            read_corpus(DataSettings(reader="emobox"), tmp_path)
        for seconds in ("1.0", True, float("nan")):
            path.write_text(json.dumps(row | {"start_time": seconds}), encoding="utf-8")
            with pytest.raises(CorpusError, match="line 1 has no number in 'start_time'"):
                read_corpus(DataSettings(reader="emobox"), tmp_path)
        path.write_bytes(b"\x81\x81 \xff\xfe\x00")
        with pytest.raises(CorpusError, match="savee_test_fold_1"):
            read_corpus(DataSettings(reader="emobox"), tmp_path)
        corpus_trees.emobox(tmp_path, dataset="tess")
        with pytest.raises(CorpusError, match="savee, tess"):
            read_corpus(DataSettings(reader="emobox"), tmp_path)


def test_ravdess_as_downloaded_has_the_published_counts(shared_data):
    corpus = read_corpus(DataSettings(reader="ravdess"), shared_data / "ravdess")
    assert len(corpus) == 1440 and len({u.speaker for u in corpus}) == 24 and corpus.issues == ()
    labels = [u.labels["emotion"][0] for u in (*corpus.train, *corpus.dev)]
    assert all(labels.count(name) == (80 if name == "neutral" else 160) for name in set(labels))
