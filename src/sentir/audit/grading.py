"""The grade of a finding, by the share of the corpus that it concerns."""

from __future__ import annotations

from collections.abc import Mapping

_GRADE_LIMITS: Mapping[str, Mapping[str, float]] = {  # kind → grade → lower limit of the share
    "unusable": {"B": 0, "C": 0.01, "D": 0.05, "E": 0.2},
    "reader_warning": {"B": 0},
    "text_missing": {"B": 0, "C": 0.01, "D": 0.05, "E": 0.2},
    "unlabeled": {"B": 0, "C": 0.1, "D": 0.5},
    "labels_missing": {"C": 0},
    "labels_absent": {"D": 0},
    "one_class": {"E": 0},
    "split_missing": {"C": 0},
    "speakers": {"B": 0, "C": 0.5},
    "group": {"B": 0, "C": 0.5},
    "duplicates": {"B": 0.01, "C": 0.05, "D": 0.2, "E": 0.5},
    "clips": {"C": 0, "D": 0.01, "E": 0.1},
    "contradictory_texts": {"B": 0.01, "C": 0.25},
    "contradictory_clips": {"B": 0, "C": 0.005, "D": 0.05},
    "duplicate_clips": {"B": 0, "C": 0.02, "D": 0.2},
    "leaks_label": {"E": 0},
    "test_contamination": {"D": 0.5},
    "possible_label_leak": {"C": 0},
    "labels_in_runs": {"C": 0},
    "speech_too_fast": {"B": 0, "C": 0.02, "D": 0.1},
    "clips_short": {"B": 0, "C": 0.02, "D": 0.1},
    "clips_long": {"B": 0, "C": 0.01, "D": 0.1},
    "clips_incomplete": {"B": 0, "C": 0.01, "D": 0.1},
    "clips_duration_mismatch": {"B": 0, "C": 0.1, "D": 0.3},
    "clips_clipped": {"B": 0.05, "C": 0.5},
    "clips_silent": {"B": 0, "C": 0.01, "D": 0.05},
    "clips_quiet": {"B": 0.01, "C": 0.2},
}


def compute_grade(kind: str, share: float) -> str:
    """Return the grade of a finding, ``A`` to ``E``, by its kind and the share of utterances that it concerns."""
    return max((grade for grade, limit in _GRADE_LIMITS[kind].items() if share > limit), default="A")
