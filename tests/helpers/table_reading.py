"""A table written and read as the table reader's tests do."""

import csv

from sentir.readers import read_corpus
from sentir.recipe import DataSettings, TableSettings


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
    return path


def data(task="emotion", with_audio=False, **columns) -> DataSettings:
    if not {"labels", "votes", "value", "values"} & columns.keys():
        columns.setdefault("label", "mood")
    return DataSettings(reader="table", task=task, audio=with_audio, table=TableSettings(**columns))


def read(path, task="emotion", with_audio=False, **columns):
    return read_corpus(data(task, with_audio, **columns), path)
