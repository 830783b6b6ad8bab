"""The proof of an exported model in its card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sentir.documents import DocumentSection, TableBlock
from sentir.evaluation.formatting import format_score
from sentir.evaluation.metrics import metric_display_name
from sentir.evaluation.results import Score
from sentir.i18n import _, format_count, localize_numbers


def export_sections(facts: Mapping[str, Any]) -> list[DocumentSection]:
    """Return how the exported model compares with the trained one; nothing for a model that is not exported."""
    report = facts.get("export")
    if report is None:
        return []
    metric = report["metric"]
    rows = [(_("trained, torch"), "–", "–", *_score_cells(metric, report["score"]))]
    for graph in report["graphs"]:
        agreement = 100 * min(graph["label_agreement"].values())
        cells = (f"{graph['max_logit_difference']:.1e}", localize_numbers(f"{agreement:.1f}%"))
        rows.append((f"ONNX, {graph['precision']}", *cells, *_score_cells(metric, graph["score"])))
    headings: tuple[str, ...] = (_("model"), _("largest logit difference"), _("equal labels"))
    headings += (metric_display_name(metric),) if metric else ()
    count, versions = format_count(report["num_utterances"]), report["versions"]
    text = (
        _("Compared on {n} dev utterances", n=count)
        if report["inputs"] == "dev"
        else _("Compared on {n} generated utterances", n=count)
    )
    text += f" (torch {versions['torch']}, onnxruntime {versions['onnxruntime']})."
    return [DocumentSection(_("Export to ONNX"), (text, TableBlock(headings, tuple(rows))))]


def _score_cells(metric: str, score: Mapping[str, Any] | None) -> tuple[str, ...]:
    if not metric:
        return ()
    return ("–" if score is None else format_score(Score(**score)),)
