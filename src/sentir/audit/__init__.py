"""Health and leaks of a corpus: `audit` counts, compares and lists, and changes nothing."""

from sentir.audit.checks import audit
from sentir.audit.values import Audit, Finding, Table

__all__ = ["Audit", "Finding", "Table", "audit"]
