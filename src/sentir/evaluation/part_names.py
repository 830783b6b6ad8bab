"""What the parts of a split, and what a model mixes up, are called."""

from __future__ import annotations

from sentir.evaluation.analysis.confusions import Confusion
from sentir.evaluation.analysis.slices import SliceDefinition
from sentir.evaluation.words import display_name
from sentir.i18n import _, gettext_noop, localize_numbers

_SLICE_KINDS = {
    "speaker": gettext_noop("speaker"),
    "text": gettext_noop("text"),
    "duration": gettext_noop("duration"),
    "turn": gettext_noop("turn in its dialogue"),
    "shift": gettext_noop("label of the speaker's previous turn"),
    "missing": gettext_noop("what is missing"),
}
_SLICE_NAMES = {
    ("speaker", "seen"): gettext_noop("also speaks in train"),
    ("speaker", "unseen"): gettext_noop("not in train"),
    ("text", "seen"): gettext_noop("also a text of train"),
    ("text", "unseen"): gettext_noop("not in train"),
    ("duration", "short"): gettext_noop("short"),
    ("duration", "middle"): gettext_noop("medium"),
    ("duration", "long"): gettext_noop("long"),
    ("turn", "first"): gettext_noop("first"),
    ("turn", "second_to_fifth"): gettext_noop("second to fifth"),
    ("turn", "later"): gettext_noop("later"),
    ("shift", "same"): gettext_noop("the same"),
    ("shift", "shifts"): gettext_noop("another"),
    ("missing", "nothing"): gettext_noop("nothing"),
    ("missing", "clip"): gettext_noop("the clip"),
    ("missing", "text"): gettext_noop("the text"),
    ("missing", "both"): gettext_noop("text and clip"),
}


def slice_kind_name(definition: SliceDefinition) -> str:
    """Say by what a split was cut."""
    known = not definition.is_corpus_group and definition.kind in _SLICE_KINDS
    return _(_SLICE_KINDS[definition.kind]) if known else definition.kind.replace("_", " ")


def slice_name(definition: SliceDefinition) -> str:
    """Say which part it is; of a duration, its seconds too."""
    known = not definition.is_corpus_group and (definition.kind, definition.name) in _SLICE_NAMES
    name = _(_SLICE_NAMES[definition.kind, definition.name]) if known else definition.name
    if definition.bounds is None:
        return name
    low, high = definition.bounds
    return _(
        "{name}, {low} to {high} s",
        name=name,
        low=localize_numbers(f"{low:.1f}"),
        high=localize_numbers(f"{high:.1f}"),
    )


def confusion_name(confusion: Confusion) -> str:
    """Say what was taken for what, and how often."""
    if not confusion.predicted:
        return _("{label} missed ({n})", label=display_name(confusion.label), n=confusion.n)
    if not confusion.label:
        return _("{label} said wrongly ({n})", label=display_name(confusion.predicted), n=confusion.n)
    return f"{display_name(confusion.label)} → {display_name(confusion.predicted)} ({confusion.n})"
