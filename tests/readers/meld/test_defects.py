"""Known defects of MELD as published, on rows and files that have them."""

import csv
from collections import Counter, defaultdict

import pytest
from meld_trees import AUTHORS, SPLITS, clip, row, table, write

from sentir.audio.store import attach_audio
from sentir.corpus.cleaning import repair_encoding
from sentir.readers import read_corpus
from sentir.readers.defects import load_defects
from sentir.recipe import DataSettings

WRONG_CLIPS = [
    "meld/test/dia38/utt4",
    "meld/test/dia220/utt0",
    "meld/train/dia309/utt0",
    "meld/train/dia485/utt0",
]
C1 = str.maketrans({"…": "\x85", "‘": "\x91", "’": "\x92", "“": "\x93", "”": "\x94", "–": "\x96", "—": "\x97"})


@pytest.fixture(scope="module")
def published(shared_data):
    """The authors' corrected tables."""
    return read(shared_data / "meld", audio=False)


def read(root, *, audio=True, **settings):
    return read_corpus(DataSettings(reader="meld", audio=audio, **settings), root)


def tree(root, *keys, changes=None, without=(), suffix=".wav"):
    """Write rows and clips by key, ``train/dia125/utt3``; those in ``without`` get no clip."""
    rows = defaultdict(list, {split: [row(9999, 0, "Some other line.")] for split in SPLITS})
    files = {}
    for key in keys:
        split, dialogue, utterance = key.split("/")
        rows[split].append(row(dialogue[3:], utterance[3:], **(changes or {}).get(key, {})))
        if key not in without:
            files[f"{AUTHORS[split][1]}/{dialogue}_{utterance}{suffix}"] = clip(suffix)
    for split in SPLITS:
        files[AUTHORS[split][0]] = table(rows[split])
        files[f"{AUTHORS[split][1]}/dia9999_utt0{suffix}"] = clip(suffix)
    return write(root, files)


def listed(corpus, *kinds):
    return [(i.kind, i.severity, i.where) for i in corpus.issues if i.kind in kinds]


def test_1_the_utterance_of_a_damaged_clip_is_kept_with_text_and_a_reason(tmp_path):
    root = tree(tmp_path, "train/dia125/utt3")
    (root / "train/train_splits/dia125_utt3.wav").write_bytes(b"\0\0\0\x18ftypmp42 no moov atom")
    corpus = read(root)
    assert listed(corpus, "clip_damaged") == [("clip_damaged", "warning", "meld/train/dia125/utt3")]
    (utterance,) = attach_audio([corpus.by_id["meld/train/dia125/utt3"]])
    assert utterance.text and utterance.audio.problem_kind == "undecodable"


def test_1_a_repaired_clip_is_used(tmp_path):
    corpus = read(tree(tmp_path, "train/dia125/utt3"))
    (utterance,) = attach_audio([corpus.by_id["meld/train/dia125/utt3"]])
    assert utterance.audio.problem == ""


@pytest.mark.parametrize("absent", [True, False])
def test_1_the_unpublished_clip_is_listed_once_and_not_as_missing(tmp_path, absent):
    key = "dev/dia110/utt7"
    corpus = read(tree(tmp_path, key, without=[key] if absent else []))
    assert (corpus.by_id[f"meld/{key}"].clip is None) == absent
    expected = [("clip_not_published", "warning", f"meld/{key}")] if absent else []
    assert listed(corpus, "clip_not_published", "audio_file_missing") == expected


def test_1_any_other_missing_clip_is_listed_as_missing(tmp_path):
    key = "dev/dia110/utt6"
    corpus = read(tree(tmp_path, key, without=[key]))
    assert listed(corpus, "clip_not_published", "audio_file_missing") == [
        ("audio_file_missing", "problem", f"meld/{key}")
    ]


def test_3_stray_files_are_counted_and_never_used_as_clips(tmp_path):
    root = tree(tmp_path, "test/dia1/utt0")
    stray_files = [
        "._dia1_utt0.wav",
        "dia7_utt7.wav",
        "final_videos_testdia101_utt0.wav",
        "dia1_utt0.wav.part",
        "Thumbs.db",
    ]
    for name in stray_files:
        (root / AUTHORS["test"][1] / name).write_bytes(b"stray")
    corpus = read(root)
    (issue,) = (issue for issue in corpus.issues if issue.kind == "clips_unreferenced")
    assert f": {len(stray_files)};" in issue.message
    assert corpus.by_id["meld/test/dia1/utt0"].clip.path.name == "dia1_utt0.wav"


def test_4_utterances_with_wrong_clips_keep_their_text_and_lose_the_clip(tmp_path):
    corpus = read(tree(tmp_path, *(key.removeprefix("meld/") for key in WRONG_CLIPS), "dev/dia74/utt19"))
    assert {u.id for u in corpus if u.clip is None} == set(WRONG_CLIPS)
    assert all(u.text for u in corpus)
    assert [where for *_rest, where in listed(corpus, "clip_mismatched")] == WRONG_CLIPS
    assert listed(corpus, "clip_too_long") == [("clip_too_long", "warning", "meld/dev/dia74/utt19")]


@pytest.mark.shared_data
def test_4_the_durations_of_wrong_clips_are_not_features_in_text_only_corpora(published):
    assert [where for *_rest, where in listed(published, "clip_mismatched")] == WRONG_CLIPS
    assert {u.id for u in published if "duration" not in u.numeric_features} == {
        *WRONG_CLIPS,
        "meld/test/dia155/utt3",
    }
    assert published.fingerprint == "6ce63d62d3abb5ea"  # that of the tables


def test_4_the_row_with_equal_times_has_no_duration_and_is_kept(tmp_path):
    times = {"StartTime": "0:12:32,632", "EndTime": "0:12:32,632"}
    corpus = read(tree(tmp_path, "test/dia155/utt3", changes={"test/dia155/utt3": times}))
    u = corpus.by_id["meld/test/dia155/utt3"]
    assert "duration" not in u.numeric_features and u.clip is not None
    assert listed(corpus, "times_invalid") == [("times_invalid", "warning", u.id)]


@pytest.mark.parametrize(
    ("text", "end", "implausible"),
    [
        ("I asked him.", "00:00:01,292", True),
        ("I asked him.", "00:00:01,301", False),
        ("Ohhh, I", "00:00:19,800", True),
        ("Ohhh, I", "00:00:08,900", False),
        ("Hi!", "00:00:01,000", False),
    ],
)
def test_5_implausible_speech_rates_are_listed_and_nothing_changes(tmp_path, text, end, implausible):
    key = "train/dia1/utt0"
    corpus = read(tree(tmp_path, key, changes={key: {"text": text, "EndTime": end}}))
    assert listed(corpus, "speech_rate_implausible") == (
        [("speech_rate_implausible", "warning", f"meld/{key}")] if implausible else []
    )
    assert corpus.by_id[f"meld/{key}"].clip is not None


def test_5_reported_misalignments_are_listed_if_there_is_audio(tmp_path):
    root = tree(tmp_path, "train/dia241/utt2", "train/dia757/utt7")
    wheres = [where for *_rest, where in listed(read(root), "audio_misaligned")]
    assert wheres == ["meld/train/dia241/utt2", "meld/train/dia757/utt7"]
    assert listed(read(root, audio=False), "audio_misaligned", "clip_damaged", "speech_rate_implausible") == []


def half_decode(text):
    """Decode UTF-8 as Windows does: bytes outside cp1252 become control characters."""
    for byte in b"\x81\x8d\x8f\x90\x9d":
        assert chr(byte) not in text
    return b"".join(
        bytes([b]).decode("cp1252", "ignore").encode() or chr(b).encode() for b in text.encode("utf-8")
    )


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "damage",
    [lambda text: text.translate(C1).encode("utf-8"), lambda text: text.encode("cp1252"), half_decode],
    ids=["C1 code points", "cp1252", "half decoded"],
)
def test_6_the_encodings_of_other_copies_read_the_same_after_cleaning(tmp_path, shared_data, published, damage):
    texts = {split: (shared_data / f"meld/{split}_sent_emo.csv").read_text(encoding="utf-8") for split in SPLITS}
    texts["train"] = "".join(texts["train"].splitlines(keepends=True)[:500])
    for split, text in texts.items():
        (tmp_path / f"{split}_sent_emo.csv").write_bytes(damage(text.replace("\n", "\r\n")))
    original = published.by_id
    damaged = list(read(tmp_path, audio=False))
    assert len(damaged) == 499 + 1109 + 2610 and {u.id for u in damaged} <= original.keys()
    differ = [u for u in damaged if u.text != original[u.id].text]
    assert [u.id for u in differ if repair_encoding(u.text) != repair_encoding(original[u.id].text)] == []
    assert len(differ) > 1000 or damage("’") == "’".encode("cp1252")


def test_7_repeated_segments_are_reported_and_the_split_is_kept(tmp_path):
    keys = ["train/dia12/utt7", "test/dia85/utt0", "train/dia312/utt4", "train/dia698/utt2"]
    corpus = read(tree(tmp_path, *keys), audio=False)
    assert [where for *_rest, where in listed(corpus, "segment_in_two_splits", "segment_repeated")] == [
        f"meld/{key}" for key in keys
    ]
    assert {u.id: u.split for u in corpus}["meld/test/dia85/utt0"] == "test"


@pytest.mark.shared_data
def test_7_the_repeated_segments_are_those_of_the_authors_tables(shared_data):
    keys = defaultdict(list)
    for split in SPLITS:
        with (shared_data / "meld" / f"{split}_sent_emo.csv").open(encoding="utf-8", newline="") as file:
            for cells in csv.DictReader(file):
                times = tuple(cells[name].rjust(12, "0") for name in ("StartTime", "EndTime"))
                key = f"meld/{split}/dia{cells['Dialogue_ID']}/utt{cells['Utterance_ID']}"
                keys[cells["Season"], cells["Episode"], times].append(key)
    shared = [group for group in keys.values() if len(group) > 1]
    known = {
        key: defect.kind
        for defect in load_defects("meld")
        if defect.kind in ("segment_in_two_splits", "segment_repeated", "clip_shared")
        for key in defect.ids
    }
    assert known.keys() == {key for group in shared for key in group} and len(shared) == 30
    for group in shared:
        across = len({key.split("/")[1] for key in group}) > 1
        assert {known[key] == "segment_in_two_splits" for key in group} == {across}


def test_8_turns_are_consecutive_despite_gaps_in_ids(tmp_path):
    corpus = read(tree(tmp_path, "train/dia5/utt0", "train/dia5/utt3", "train/dia5/utt7"), audio=False)
    assert [(u.id[-1], u.turn) for u in corpus.train if "dia5" in u.id] == [("0", 0), ("3", 1), ("7", 2)]


@pytest.mark.shared_data
def test_8_turns_are_consecutive_despite_gaps_in_the_real_ids(published):
    dialogues = defaultdict(list)
    for u in published.train:
        dialogues[u.dialogue].append((int(u.id.rpartition("utt")[2]), u.turn))
    gaps = [d for d, rows in dialogues.items() if [n for n, _turn in rows] != list(range(len(rows)))]
    assert len(gaps) == 72
    assert all([turn for _n, turn in rows] == list(range(len(rows))) for rows in dialogues.values())


def test_10_six_channels_are_decoded(tmp_path):
    root = tree(tmp_path, "train/dia1/utt0", suffix=".mp4")
    (utterance,) = attach_audio([read(root).by_id["meld/train/dia1/utt0"]])
    assert utterance.audio.problem == "" and utterance.audio.seconds == pytest.approx(0.3, abs=0.05)


@pytest.mark.shared_data
def test_every_id_of_a_defect_is_in_the_authors_tables_and_missing_rows_are_listed(
    tmp_path, shared_data, published
):
    assert {key for defect in load_defects("meld") for key in defect.ids} <= published.by_id.keys()
    assert Counter(i.kind for i in published.issues) == {
        "layout_recognized": 1, "times_invalid": 1, "segment_in_two_splits": 10, "segment_repeated": 24,
        "clip_mismatched": 4,
    }  # fmt: skip
    for split in SPLITS:
        lines = (shared_data / "meld" / f"{split}_sent_emo.csv").read_bytes().splitlines(keepends=True)
        (tmp_path / f"{split}_sent_emo.csv").write_bytes(b"".join(lines if split == "dev" else lines[:50]))
    differ = [i for i in read(tmp_path, audio=False).issues if i.kind == "row_count_differs"]
    assert [i.where for i in differ] == ["train_sent_emo.csv", "test_sent_emo.csv"]
    assert "9\u202f989" in differ[0].message and "2\u202f610" in differ[1].message


def test_episodes_are_groups_of_the_corpus(tmp_path):
    key = "train/dia1/utt0"
    corpus = read(tree(tmp_path, key, changes={key: {"Season": "8", "Episode": "21"}}), audio=False)
    assert corpus.groups["episode"][f"meld/{key}"] == "s08e21"


def test_defects_are_those_of_the_authors_not_of_a_generated_tree(tmp_path):
    root = tree(tmp_path, "test/dia38/utt4")
    (root / "SYNTHETIC.txt").write_text("generated")
    corpus = read(root)
    assert corpus.synthetic and {i.kind for i in corpus.issues} == {"layout_recognized"}
    assert all(u.clip for u in corpus)
