"""A starting recipe for an inspected table, with reasons and questions as comments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sentir.i18n import _
from sentir.recipe import format_toml_comment, relativize_paths
from sentir.table_inspection.inspection import TableInspection

TRAIN_SETTINGS: Mapping[str, Any] = {
    "epochs": 30,
    "min_steps": 900,
    "patience": 30,
    "ema_decay": 0.98,
    "batch_size": 32,
    "lr": 0.002,
    "weight_decay": 0.5,
    "label_smoothing": 0.1,
}


def draft_recipe(inspection: TableInspection, folder: Path) -> str:
    """Return a recipe in TOML, to be written in ``folder``, that can be run unchanged.

    Its comments are in the current language. It compares cheap candidates: bag of words and a frozen ``minilm``
    if there are texts, acoustic functionals and heads on a frozen ``efficientnet_lite0`` if there are clips, and
    their combination if there are both. Test is not evaluated.
    """
    blocks = (
        _header_lines(inspection),
        _data_lines(inspection, folder),
        *([_table_lines(inspection)] if inspection.reader == "table" else []),
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
    is_table = inspection.reader == "table"
    yield f"reader = {toml_string(inspection.reader)}"
    yield _comment(_("Relative to this recipe; --root FOLDER overrides it."))
    root = inspection.path.parent if is_table else inspection.path
    settings = relativize_paths({"data": {"root": root.as_posix()}}, folder)
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
                             "is multilingual:", language=inspection.language))  # fmt: skip
            yield '# backbone = "mmbert-small"'
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
    yield f'{prefix}audio = {{ backbone = "efficientnet_lite0", encoder = "frozen" }}'
    yield f"{prefix}dropout = 0.5"


def _train_lines(prefix: str, **changes: float) -> Iterator[str]:
    """Yield the settings that train a head on a frozen network and functionals, with some changed."""
    yield _comment(_("At least 900 steps even for few clips; with many thousands, fewer epochs suffice."))
    for setting, value in {**TRAIN_SETTINGS, **changes}.items():
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
        if _is_single_label(inspection):
            yield from ("", '[study.candidates."network"]')
            yield from _kernel_ridge_lines("kernel ridge")
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
        if _is_single_label(inspection):
            lines = ('model.kind = "emotion_model"', *_audio_model_lines("model."))
            yield from _kernel_ridge_lines("audio, kernel ridge", lines)
        yield ""
        yield '[study.candidates."text and audio"]'
        yield 'model.kind = "multimodal"'
        yield from _audio_model_lines("model.")
        yield from _train_lines("train.", weight_decay=0.05)  # .5 was measured for audio only


def _is_single_label(inspection: TableInspection) -> bool:
    """Whether each row of a table has one label, which the head ``kernel_ridge`` needs."""
    return inspection.reader == "table" and not {"labels", "label_separator"} & inspection.settings.keys()


def _kernel_ridge_lines(name: str, model_lines: Iterable[str] = ()) -> Iterator[str]:
    """Yield a candidate with another head on the same columns; ``model_lines`` are what the recipe's lack."""
    yield ""
    yield f"[study.candidates.{toml_string(name)}]"
    yield from model_lines
    yield 'model.head = "kernel_ridge"'
    yield "model.hidden_size = 512"
    yield 'train.class_weights = "inverse"'


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
