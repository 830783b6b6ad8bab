"""A starting recipe for an inspected table, with reasons and questions as comments."""

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
    """Return a recipe in TOML, to be written in ``folder``, that can be run unchanged.

    Its comments are in the current language. It compares cheap candidates: bag of words and a frozen ``minilm``
    if there are texts, acoustic functionals and a small network if there are clips, and their combination if
    there are both. Test is not evaluated.
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
        _("A starting recipe for {table} ({n} rows) by 'sentir corpus init'. Its comments explain and ask.",
          table=inspection.path.name, n=inspection.num_rows)
    )  # fmt: skip
    for warning in inspection.warnings:
        yield _comment(_("Warning: {warning}", warning=warning))


def _data_lines(inspection: TableInspection, folder: Path) -> Iterator[str]:
    yield "[data]"
    yield 'reader = "table"'
    yield _comment(_("Relative to this recipe; --root FOLDER overrides it."))
    settings = relativize_paths({"data": {"root": inspection.path.parent.as_posix()}}, folder)
    yield f"root = {toml_string(settings['data']['root'])}"
    yield f"task = {toml_string(inspection.task)}"
    if inspection.has_audio:
        yield "audio = true"


def _table_lines(inspection: TableInspection) -> Iterator[str]:
    yield "[data.table]"
    yield f"file = {toml_string(inspection.path.name)}"
    reasons = {column.role: column.reason for column in inspection.columns if column.role}
    for setting, value in inspection.settings.items():
        if setting in reasons:
            yield _comment(reasons[setting])
        if setting == "seed":
            yield _comment(_("The first seed with which every split has at least half of its expected rows."))
        if setting in inspection.questions:
            yield _comment(_("Question: {question}", question=inspection.questions[setting]))
        yield f"{setting} = {_toml_value(value)}"
    for setting, value in inspection.suggestions.items():
        yield _comment(_("Question: {question}", question=inspection.questions[setting]))
        yield f"# {setting} = {_toml_value(value)}"
    if unused := [column for column in inspection.columns if not column.role]:
        yield _comment(_("Unused columns:"))
        for column in unused:
            yield _comment(f"  {toml_string(column.name)}: {column.reason}")


def _model_lines(inspection: TableInspection) -> Iterator[str]:
    yield "[model]"
    if "text" in inspection.settings:
        if inspection.language:
            yield _comment(_("The texts are in {language}, but minilm is English; this encoder, downloaded once, "
                             "supports fifty languages:", language=inspection.language))  # fmt: skip
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
    """Yield the settings that train a small audio network from scratch, as in recipes/ravdess.toml."""
    yield _comment(_("At least 1,800 steps even for few clips; with many thousands, fewer epochs suffice."))
    for setting, value in TRAIN_SETTINGS.items():
        yield f"{prefix}{setting} = {_toml_value(value)}"


def _study_lines(inspection: TableInspection) -> Iterator[str]:
    text = "text" in inspection.settings
    baselines = ["majority", *(["bag of words"] if text else []), *(["acoustic"] if inspection.has_audio else [])]
    yield "[study]"
    yield f"baselines = {_toml_value(baselines)}"
    yield _comment(
        _("Test is not evaluated while the table may still change; when it is final, remove this line:")
    )
    yield _comment(
        _("a split that is redrawn after looking at test is no longer a test (see 'sentir corpus redraw').")
    )
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
        return "{ " + ", ".join(f"{toml_string(key)} = {_toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    return toml_string(value) if isinstance(value, str) else json.dumps(value)


def toml_string(text: str) -> str:
    """Return a text as a TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return format_toml_comment(text).rstrip("\n")
