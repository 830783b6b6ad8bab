"""Rows and tables of CMU-MOSEI."""

import csv
from collections import Counter

SCALES = ["sentiment", "happy", "sad", "anger", "surprise", "disgust", "fear"]


HEADER = ["video", "start_time", "end_time", *SCALES, "text", "ASR"]


FILES = {"train": "Data_Train_modified.csv", "dev": "Data_Val_modified.csv", "test": "Data_Test_modified.csv"}


def row(video, start="0.5", end="2.0", **changes):
    cells = dict.fromkeys(HEADER, "0.0") | {"text": "Well, here it is.", "ASR": ""}
    return [(cells | {"video": video, "start_time": start, "end_time": end} | changes)[name] for name in HEADER]


def write_tree(root, **rows):
    root.mkdir(parents=True, exist_ok=True)
    for split, name in FILES.items():
        with (root / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADER, *rows.get(split, [row(f"video-{split}")])])
    return root


def issues_of(corpus):
    """Every issue but the first, the recognized layout."""
    assert [issue.kind for issue in corpus.issues].count("layout_recognized") == 1
    assert corpus.issues[0].kind == "layout_recognized"
    return corpus.issues[1:]


def kinds(corpus):
    return Counter((issue.kind, issue.severity) for issue in issues_of(corpus))
