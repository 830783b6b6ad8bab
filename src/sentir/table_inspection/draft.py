"""A starting recipe for a table that was looked at, with every reason and question as a comment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sentir.i18n import _
from sentir.recipe import format_toml_comment, relativize_paths
from sentir.table_inspection.inspection import TableInspection

TRAIN_SETTINGS: Mapping[str, Any] = {
    "epochs": 60,
    "min_steps": 1800,
    "patience": 60,
    "ema_decay": 0.98,
    "batch_size": 32,
    "lr": 0.002,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "augment": {
        "masks": 2,
        "mask_bands": 10,
        "mask_seconds": 0.3,
        "gain_db": 6.0,
        "shift_seconds": 0.2,
        "speed": 0.15,
    },
}


def draft_recipe(inspection: TableInspection, folder: Path) -> str:
    """Return a recipe in TOML, to be written in ``folder``, that can be run as it stands.

    Its comments are in the current language.

    It begins with what is had for nothing: counting words and a frozen ``minilm`` where there are texts, measures
    of sound and a small network where there are clips, and both together where there are both. Test stays closed.
    """
    blocks = (
        _header_lines(inspection),
        _data_lines(inspection, folder),
        _table_lines(inspection),
        _model_lines(inspection),
        _study_lines(inspection),
    )
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _header_lines(inspection: TableInspection) -> Iterator[str]:
    yield _comment(
        _("A start for {table} ({n} rows), written by 'sentir corpus init'. Read its comments; some ask.",
          table=inspection.path.name, n=inspection.num_rows)
    )  # fmt: skip
    for warning in inspection.warnings:
        yield _comment(_("Mind: {warning}", warning=warning))


def _data_lines(inspection: TableInspection, folder: Path) -> Iterator[str]:
    yield "[data]"
    yield 'reader = "table"'
    yield _comment(_("Relative to this recipe; --root FOLDER takes its place."))
    settings = relativize_paths({"data": {"root": inspection.path.parent.as_posix()}}, folder)
    yield f"root = {toml_string(settings['data']['root'])}"
    yield f"task = {toml_string(inspection.task)}"
    if inspection.has_audio:
        yield "audio = true"


def _table_lines(inspection: TableInspection) -> Iterator[str]:
    yield "[data.table]"
    yield f"file = {toml_string(inspection.path.name)}"
    why = {one.role: one.reason for one in inspection.columns if one.role}
    for setting, value in inspection.settings.items():
        if setting in why:
            yield _comment(why[setting])
        if setting == "seed":
            yield _comment(_("The first seed by which every split has half of its share of rows or more."))
        if setting in inspection.questions:
            yield _comment(_("Unsure: {question}", question=inspection.questions[setting]))
        yield f"{setting} = {_toml_value(value)}"
    for setting, value in inspection.suggestions.items():
        yield _comment(_("Unsure: {question}", question=inspection.questions[setting]))
        yield f"# {setting} = {_toml_value(value)}"
    if left := [one for one in inspection.columns if not one.role]:
        yield _comment(_("Left out:"))
        for one in left:
            yield _comment(f"  {toml_string(one.name)}: {one.reason}")


def _model_lines(inspection: TableInspection) -> Iterator[str]:
    yield "[model]"
    if "text" in inspection.settings:
        if inspection.language:
            yield _comment(_("The texts are in {language}, and minilm knows English; this encoder, fetched once, "
                             "knows fifty languages:", language=inspection.language))  # fmt: skip
            yield '# backbone = "multilingual-minilm"'
        yield 'backbone = "minilm"'
        yield 'encoder = "frozen"'
        return
    yield 'kind = "emotion_model"'
    yield from _audio_model_lines("")
    yield ""
    yield "[train]"
    yield from _train_lines("")


def _audio_model_lines(prefix: str) -> Iterator[str]:
    yield f'{prefix}features = ["functionals"]'
    yield f'{prefix}audio = {{ backbone = "mobilenetv3_small_050", pretrained = false }}'
    yield f"{prefix}dropout = 0.5"


def _train_lines(prefix: str) -> Iterator[str]:
    """Yield how a small network learns to hear from nothing: as in recipes/ravdess.toml, whatever the size."""
    yield _comment(_("At least 1,800 steps, however few the clips; with many thousands, fewer epochs will do."))
    for setting, value in TRAIN_SETTINGS.items():
        yield f"{prefix}{setting} = {_toml_value(value)}"


def _study_lines(inspection: TableInspection) -> Iterator[str]:
    text = "text" in inspection.settings
    baselines = ["majority", *(["bag of words"] if text else []), *(["acoustic"] if inspection.has_audio else [])]
    yield "[study]"
    yield f"baselines = {_toml_value(baselines)}"
    yield _comment(_("Test stays closed while the table may still change; when it is final, take this line out:"))
    yield _comment(_("a test split that was looked at and then drawn anew is none (see 'sentir corpus redraw')."))
    yield "test = false"
    if not text:
        return
    yield ""
    yield '[study.candidates."minilm"]'
    if "dialogue" in inspection.settings:
        yield ""
        yield '[study.candidates."minilm + dialogue"]'
        yield 'model.context = "dialogue"'
    if inspection.has_audio:
        yield ""
        yield '[study.candidates."audio"]'
        yield 'model.kind = "emotion_model"'
        yield from _audio_model_lines("model.")
        yield from _train_lines("train.")
        yield ""
        yield '[study.candidates."text and audio"]'
        yield 'model.kind = "multimodal"'
        yield from _audio_model_lines("model.")
        yield from _train_lines("train.")


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml_string(key)} = {_toml_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    return toml_string(value) if isinstance(value, str) else json.dumps(value)


def toml_string(text: str) -> str:
    """Return a text as a TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return format_toml_comment(text).rstrip("\n")
