"""A starting recipe for a table that was looked at, with every reason and question as a comment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sentir.i18n import _
from sentir.readers.look import Look
from sentir.recipe import to_folder


def draft(seen: Look, folder: Path) -> str:
    """Return a recipe in TOML, to be written in ``folder``, that can be run as it stands.

    Its comments are in the current language.

    It begins with what is had for nothing: counting words and a frozen ``minilm`` where there are texts, measures
    of sound and a small network where there are clips.
    """
    blocks = (_head(seen), _data(seen, folder), _table(seen), _model(seen), _study(seen))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _head(seen: Look) -> Iterator[str]:
    yield _comment(
        _("A start for {table} ({n} rows), written by 'sentir corpus new'. Read its comments; some ask.",
          table=seen.path.name, n=seen.rows)
    )  # fmt: skip
    for warning in seen.warnings:
        yield _comment(_("Mind: {warning}", warning=warning))


def _data(seen: Look, folder: Path) -> Iterator[str]:
    yield "[data]"
    yield 'reader = "table"'
    yield _comment(_("Relative to this recipe; --root FOLDER takes its place."))
    settings = to_folder({"data": {"root": seen.path.parent.as_posix()}}, folder)
    yield f"root = {quoted(settings['data']['root'])}"
    yield f"task = {quoted(seen.task)}"
    if seen.sound:
        yield "sound = true"


def _table(seen: Look) -> Iterator[str]:
    yield "[data.table]"
    yield f"file = {quoted(seen.path.name)}"
    why = {one.role: one.why for one in seen.columns if one.role}
    for setting, value in seen.settings.items():
        if setting in why:
            yield _comment(why[setting])
        if setting in seen.unsure:
            yield _comment(_("Unsure: {question}", question=seen.unsure[setting]))
        yield f"{setting} = {_value(value)}"
    if "group" in seen.unsure:
        yield _comment(_("Unsure: {question}", question=seen.unsure["group"]))
        yield f"# group = {quoted(seen.settings['speaker'])}"
    if left := [one for one in seen.columns if not one.role]:
        yield _comment(_("Left out:"))
        for one in left:
            yield _comment(f"  {quoted(one.column)}: {one.why}")


def _model(seen: Look) -> Iterator[str]:
    yield "[model]"
    if "text" in seen.settings:
        yield 'backbone = "minilm"'
        yield 'encoder = "frozen"'
        return
    yield from _listener("")


def _listener(prefix: str) -> Iterator[str]:
    yield f'{prefix}kind = "emotion_model"'
    yield f'{prefix}features = ["functionals"]'
    yield f'{prefix}audio = {{ backbone = "mobilenetv3_small_050", pretrained = false }}'


def _study(seen: Look) -> Iterator[str]:
    text = "text" in seen.settings
    baselines = ["majority", *(["bag of words"] if text else []), *(["acoustic"] if seen.sound else [])]
    yield "[study]"
    yield f"baselines = {_value(baselines)}"
    if not text:
        return
    yield ""
    yield '[study.candidates."minilm"]'
    if "dialogue" in seen.settings:
        yield ""
        yield '[study.candidates."minilm + dialogue"]'
        yield 'model.context = "dialogue"'
    if seen.sound:
        yield ""
        yield '[study.candidates."sound"]'
        yield from _listener("model.")


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{quoted(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def quoted(text: str) -> str:
    """Return a text as a TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return "# " + "".join(letter if letter.isprintable() else " " for letter in text)
