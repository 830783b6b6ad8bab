"""Audit of a corpus: counts, defects, duplicates and leaks; nothing is changed."""

from sentir.audit.audio_scan import AudioScan, scan_audio
from sentir.audit.corpus_audit import audit, measure_leakage
from sentir.audit.leaking_columns import check_recipe_leakage
from sentir.audit.results import AuditReport, AuditTable, Finding, Histogram, describe_grade

__all__ = [
    "AudioScan",
    "AuditReport",
    "AuditTable",
    "Finding",
    "Histogram",
    "audit",
    "check_recipe_leakage",
    "describe_grade",
    "measure_leakage",
    "scan_audio",
]
