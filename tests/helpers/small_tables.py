"""Small tables for the tests of table inspection and draft recipes."""

import json

TEXTS = ("What a day this is", "I will not go there", "Who could have known", "Never mind all that")
MOODS = ("alegría", "ira", "miedo")


def table(folder, rows=30, /, **columns):
    """Write a table whose columns are functions of the row's number, or constants."""
    objects = [
        {name: value(i) if callable(value) else value for name, value in columns.items()} for i in range(rows)
    ]
    path = folder / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    return path


def words(i):
    return f"{TEXTS[i % 4]} {i}"


def mood(i):
    return MOODS[i % 3]
