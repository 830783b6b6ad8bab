"""Helpers of test_reader.py."""

import csv

from sentir.readers import read_corpus
from sentir.recipe import DataSettings, TableSettings


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
    return path


def data(task="emotion", audio=False, **columns) -> DataSettings:
    if not {"labels", "value"} & columns.keys():
        columns.setdefault("label", "mood")
    return DataSettings(reader="table", task=task, audio=sound, table=TableSettings(**columns))


def read(path, task="emotion", audio=False, **columns):
    return read_corpus(data(task, sound, **columns), path)
