"""Every layout of MELD, with two utterances per split and tiny clips, packed or not."""

import csv
import io
import tarfile
import tempfile
import zipfile
from functools import cache
from pathlib import Path

from clip_files import write_clip

SPLITS = ("train", "dev", "test")
HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime"
COLUMNS = HEADER.split(",")
AUTHORS = {  # tables and folders of clips in the authors' archive, unpacked
    "train": ("train/train_sent_emo.csv", "train/train_splits"),
    "dev": ("dev_sent_emo.csv", "dev/dev_splits_complete"),
    "test": ("test_sent_emo.csv", "test/output_repeated_splits_test"),
}


def row(dialogue, utterance, text="Hi there.", **changes):
    """A row of a table, by column."""
    cells = dict.fromkeys(COLUMNS, "1") | {
        "Utterance": text,
        "Speaker": "Monica",
        "Emotion": "joy",
        "Sentiment": "positive",
        "Dialogue_ID": str(dialogue),
        "Utterance_ID": str(utterance),
        "StartTime": "00:00:01,000",
        "EndTime": "0:00:03,500",
    }
    return cells | {name: str(value) for name, value in changes.items()}


def table(rows) -> bytes:
    """The bytes of a CSV file."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


@cache
def clip(suffix: str, seconds: float = 0.3) -> bytes:
    """The bytes of a clip of that kind."""
    with tempfile.TemporaryDirectory() as folder:
        return write_clip(Path(folder) / f"clip{suffix.lower()}", seconds).read_bytes()


def write(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def tables(rows=None) -> dict[str, bytes]:
    """The three tables by split; by default two utterances each, with their location as text."""
    return {
        split: table((rows or {}).get(split, [row(0, n, f"I am {split} {n}.") for n in (0, 1)]))
        for split in SPLITS
    }


def clips(suffix=".mp4") -> dict[str, bytes]:
    """Two clips by name; the suffix may differ: ``(".mp4", ".WAV")``."""
    suffixes = (suffix, suffix) if isinstance(suffix, str) else suffix
    return {f"dia0_utt{n}{end}": clip(end) for n, end in enumerate(suffixes)}


def authors_tree(suffix=".mp4", rows=None) -> dict[str, bytes]:
    """The authors' archive, unpacked: path → bytes."""
    contents = tables(rows)
    tree = {path: contents[split] for split, (path, _folder) in AUTHORS.items()}
    for _path, folder in AUTHORS.values():
        tree |= {f"{folder}/{name}": content for name, content in clips(suffix).items()}
    return tree


def kaggle_tree(*, subfolders=False, suffix=".mp4") -> dict[str, bytes]:
    """The Kaggle data set, with the tables of dev and test at its root or in their folders."""
    tree = authors_tree(suffix)
    for split in ("dev", "test") if subfolders else ():
        tree[f"{split}/{split}_sent_emo.csv"] = tree.pop(f"{split}_sent_emo.csv")
    return {f"MELD-RAW/MELD.Raw/{name}": content for name, content in tree.items()}


def pack(files: dict[str, bytes], mode="w:gz") -> bytes:
    """A tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def half_packed() -> dict[str, bytes]:
    """``MELD.Raw.tar.gz`` unpacked, with the archives in it still packed."""
    whole = authors_tree()
    tree = {name: content for name, content in whole.items() if "/" not in name}
    for split in SPLITS:
        inside = {name: content for name, content in whole.items() if name.startswith(f"{split}/")}
        tree[f"{split}.tar.gz"] = pack({name.partition("/")[2]: content for name, content in inside.items()})
    return tree


def packed() -> bytes:
    """``MELD.Raw.tar.gz``."""
    return pack({f"MELD.Raw/{name}": content for name, content in half_packed().items()})


def layouts() -> dict[str, dict[str, bytes]]:
    """Every layout by name."""
    kaggle, authors, half = kaggle_tree(), authors_tree(), half_packed()
    flat = tables()
    return {
        "Kaggle": kaggle,
        "Kaggle, tables in the folders": kaggle_tree(subfolders=True),
        "kagglehub": {f"versions/1/{name}": content for name, content in kaggle.items()},
        "unpacked": authors,
        "unpacked in MELD.Raw": {f"MELD.Raw/{name}": content for name, content in authors.items()},
        "packed": {"MELD.Raw.tar.gz": packed()},
        "half packed": half,
        "half packed in MELD.Raw": {f"MELD.Raw/{name}": content for name, content in half.items()},
        "train packed": {"train.tar.gz": half["train.tar.gz"]}
        | {name: content for name, content in authors.items() if not name.startswith("train/")},
        "Kaggle, packed": {"archive.zip": zipped(kaggle)},
        "wav": authors_tree(".wav"),
        "flac in upper case": authors_tree(".FLAC"),
        "mixed": authors_tree((".mp4", ".WAV")),
        "audio beside the tables": {f"{split}_sent_emo.csv": flat[split] for split in SPLITS}
        | {f"wav/{split}/{name}": content for split in SPLITS for name, content in clips(".wav").items()},
    }
