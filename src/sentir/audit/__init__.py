"""Health and leaks of a corpus: `audit` counts, compares and lists, and changes nothing."""

from sentir.audit.audio_scan import Hearing, hear_corpus
from sentir.audit.corpus_audit import audit, measure
from sentir.audit.leaking_columns import check_inputs
from sentir.audit.results import Audit, Finding, Histogram, Table, grade_meaning

__all__ = [
    "Audit",
    "Finding",
    "Hearing",
    "Histogram",
    "Table",
    "audit",
    "check_inputs",
    "grade_meaning",
    "hear_corpus",
    "measure",
]
