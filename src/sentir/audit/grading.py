"""What a finding costs: the share of a corpus from which on it can have no better grade than this."""

from __future__ import annotations

from collections.abc import Mapping

_GRADE_LIMITS: Mapping[str, Mapping[str, float]] = {  # kind → grade → share above which it is given
    "lost": {"B": 0, "C": 0.01, "D": 0.05, "E": 0.2},
    "warned": {"B": 0},
    "text_missing": {"B": 0, "C": 0.01, "D": 0.05, "E": 0.2},
    "unlabeled": {"B": 0, "C": 0.1, "D": 0.5},
    "labels_missing": {"C": 0},
    "labels_absent": {"D": 0},
    "one_class": {"E": 0},
    "split_missing": {"C": 0},
    "speakers": {"B": 0, "C": 0.5},
    "group": {"B": 0, "C": 0.5},
    "copies": {"B": 0.01, "C": 0.05, "D": 0.2, "E": 0.5},
    "sounds": {"C": 0, "D": 0.01, "E": 0.1},
    "contradictory_texts": {"B": 0.01, "C": 0.25},
    "contradictory_sounds": {"B": 0, "C": 0.005, "D": 0.05},
    "repeated_sounds": {"B": 0, "C": 0.02, "D": 0.2},
    "tells_label": {"E": 0},
    "known_test": {"D": 0.5},
    "suspect_column": {"C": 0},
    "rows_in_runs": {"C": 0},
    "too_fast": {"B": 0, "C": 0.02, "D": 0.1},
    "clips_short": {"B": 0, "C": 0.02, "D": 0.1},
    "clips_long": {"B": 0, "C": 0.01, "D": 0.1},
    "clips_lacking": {"B": 0, "C": 0.01, "D": 0.1},
    "clips_off": {"B": 0, "C": 0.1, "D": 0.3},
    "clips_clipped": {"B": 0.05, "C": 0.5},
    "clips_silent": {"B": 0, "C": 0.01, "D": 0.05},
    "clips_faint": {"B": 0.01, "C": 0.2},
}


def compute_grade(kind: str, share: float) -> str:
    """Return the grade that a finding of a kind leaves, by the share of utterances it concerns."""
    return max((grade for grade, limit in _GRADE_LIMITS[kind].items() if share > limit), default="A")
