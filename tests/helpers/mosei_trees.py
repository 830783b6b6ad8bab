"""The same few segments of CMU-MOSEI in every known layout."""

import csv
from pathlib import Path

import h5py
import numpy as np
from mosei_rows import HEADER, SCALES, write_tree

OUTSIDE = "in no fold"
SEGMENTS = {  # split → video, start, end, intensities, text; the splits are those of the standard folds
    "train": [
        ("-3g5yACwYnA", "4.84", "14.052", (1.0, 2 / 3, 0, 0, 0, 0, 1 / 3), "It brings (uhh) a technical aspect."),
        ("-3g5yACwYnA", "82.753", "100.555", (0.0, 0, 0, 0, 0, 0, 0), "Don’t they___really?"),
        ("100499", "-0.487528344671", "2.807", (-1.0, 0, 1.0, 0, 0, 0, 0), "Hi"),
    ],
    "dev": [("--qXJuDtHPw", "23.199", "30.325", (2 / 3, 0, 0, 1.0, 0, 0, 0), "I see that a writer is somebody.")],
    "test": [("_on_E-ZWy0I", "6.407500000000001", "9.5", (-3.0, 0, 0, 0, 3.0, 3.0, 0), "Well, no.")],
}
CLIPS = {"4.84": "0", "82.753": "7", "-0.487528344671": "1", "23.199": "2", "6.407500000000001": "3"}


def all_rows():
    return [(split, *row) for split, rows in SEGMENTS.items() for row in rows]


def write_kaggle(root, segments=SEGMENTS):
    def cells(video, start, end, intensities, text):
        scores = [f"{value:.7f}" for value in intensities]
        values = dict(zip(SCALES, scores, strict=True))
        return [({"video": video, "start_time": start, "end_time": end, "text": text, "ASR": ""} | values)[name]
                for name in HEADER]  # fmt: skip

    return write_tree(root, **{split: [cells(*row) for row in rows] for split, rows in segments.items()})


def write_csd(root, rows=None, *, dtype=np.float32, name="CMU_MOSEI_Labels.csd"):
    rows = all_rows() if rows is None else rows
    root.mkdir(parents=True, exist_ok=True)
    with h5py.File(root / name, "w") as file:
        data = file.create_group("All Labels/data")
        for video in dict.fromkeys(row[1] for row in rows):
            own = [row for row in rows if row[1] == video]
            data[f"{video}/features"] = np.array([row[4] for row in own], dtype=dtype)
            data[f"{video}/intervals"] = np.array([[float(row[2]), float(row[3])] for row in own])
    return root


def write_transcripts(root, rows=None, folder="Raw/Transcript/Segmented/Combined"):
    rows = all_rows() if rows is None else rows
    (root / folder).mkdir(parents=True, exist_ok=True)
    for video in dict.fromkeys(row[1] for row in rows):
        lines = [f"{v}___{CLIPS.get(start, '9')}___{start}___{end}___{text}"
                 for _split, v, start, end, _scores, text in rows if v == video]  # fmt: skip
        (root / folder / f"{video}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def write_original(root):
    return write_transcripts(write_csd(root))


def write_ratings(root):
    """Three annotators per segment whose mean is the intensity, in two files, one with folders in its ids."""
    columns = ["HITId", "Input.VIDEO_ID", "Input.CLIP", "Answer.anger", "Answer.disgust", "Answer.fear",
               "Answer.happiness", "Answer.sadness", "Answer.sentiment", "Answer.surprise"]  # fmt: skip
    order = dict(zip(SCALES, range(7), strict=True)) | {"happiness": 1, "sadness": 2}
    files = {"5000_batch_raw.csv": [], "pom_extra_sqa_mono_results.csv": []}
    for n, (_split, video, start, _end, scores, _text) in enumerate(all_rows()):
        for shift in (-0.25, 0.0, 0.25):
            ratings = [scores[order[column.removeprefix("Answer.")]] + shift for column in columns[3:]]
            video_id = ("", "pom/")[n % 2] + video
            list(files.values())[n % 2].append([f"H{n}", video_id, CLIPS[start], *ratings])
    (root / "Raw/Labels").mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        write_csv(root / "Raw/Labels" / name, columns, rows)
    return write_transcripts(root)


def write_mmsa(root):
    columns = ["video_id", "clip_id", "text", "label", "label_T", "label_A", "label_V", "annotation", "mode"]
    modes = {"train": "train", "dev": "valid", "test": "test"}
    rows = [[video, CLIPS[start], text, scores[0], "", "", "", "Neutral", modes[split]]
            for split, video, start, _end, scores, text in all_rows()]  # fmt: skip
    write_csv(root / "label.csv", columns, rows)
    return root


def write_csv(path: Path, columns, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path
