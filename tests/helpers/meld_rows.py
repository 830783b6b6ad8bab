"""Rows and tables of MELD."""

import csv

HEADER = [
    "Sr No.",
    "Utterance",
    "Speaker",
    "Emotion",
    "Sentiment",
    "Dialogue_ID",
    "Utterance_ID",
    "Season",
    "Episode",
    "StartTime",
    "EndTime",
]


def row(dialogue="0", utterance="0", text="Hi there.", **changes):
    cells = dict.fromkeys(HEADER, "1") | {
        "Utterance": text,
        "Speaker": "Monica",
        "Emotion": "joy",
        "Sentiment": "positive",
        "Dialogue_ID": dialogue,
        "Utterance_ID": utterance,
        "StartTime": "00:00:01,000",
        "EndTime": "0:00:03,500",
    }
    return [(cells | changes)[name] for name in HEADER]


def write_csv(path, rows, encoding="utf-8", header=HEADER):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([header, *rows])
