"""Helpers of test_table_formats.py."""

import json

import pyarrow as pa

NAMES = ["sadness", "joy"]


FEATURES = {
    "text": {"dtype": "string", "_type": "Value"},
    "mood": {"names": NAMES, "_type": "ClassLabel"},
    "moods": {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "List"},
}


TABLE = pa.table({"text": ["á", None, "b"], "mood": [1, 0, -1], "moods": [[0, 1], [], None]})


def save(folder, table=TABLE, shards=1, features=FEATURES, **state):
    """Write a folder as ``save_to_disk`` of datasets 2 to 5 does."""
    folder.mkdir(parents=True)
    files = [f"data-{n:05d}-of-{shards:05d}.arrow" for n in range(shards)]
    for n, name in enumerate(files):
        part = table.slice(n * len(table) // shards, (n + 1) * len(table) // shards - n * len(table) // shards)
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, part.schema) as writer:
            writer.write_table(part)
    state = {"_data_files": [{"filename": name} for name in files], "_split": None} | state
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
    return folder


def save_parts(folder, **parts):
    for name, table in parts.items():
        save(folder / name, table)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(parts)}))
    return folder
