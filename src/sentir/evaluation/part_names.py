"""What the parts of a split, and what a model mixes up, are called."""

from __future__ import annotations

from sentir.evaluation.analysis.confusions import MixUp
from sentir.evaluation.analysis.slices import Part
from sentir.evaluation.words import word
from sentir.i18n import _, localized, mark

_KINDS = {
    "speaker": mark("speaker"),
    "text": mark("text"),
    "duration": mark("duration"),
    "turn": mark("turn in its dialogue"),
    "shift": mark("label of the speaker's previous turn"),
    "missing": mark("what is missing"),
}
_NAMES = {
    ("speaker", "seen"): mark("also speaks in train"),
    ("speaker", "unseen"): mark("not in train"),
    ("text", "seen"): mark("also a text of train"),
    ("text", "unseen"): mark("not in train"),
    ("duration", "short"): mark("short"),
    ("duration", "middle"): mark("medium"),
    ("duration", "long"): mark("long"),
    ("turn", "first"): mark("first"),
    ("turn", "second_to_fifth"): mark("second to fifth"),
    ("turn", "later"): mark("later"),
    ("shift", "same"): mark("the same"),
    ("shift", "shifts"): mark("another"),
    ("missing", "nothing"): mark("nothing"),
    ("missing", "clip"): mark("the clip"),
    ("missing", "text"): mark("the text"),
    ("missing", "both"): mark("text and clip"),
}


def kind_name(part: Part) -> str:
    """Say by what a split was cut."""
    known = not part.own and part.kind in _KINDS
    return _(_KINDS[part.kind]) if known else part.kind.replace("_", " ")


def part_name(part: Part) -> str:
    """Say which part it is; of a duration, its seconds too."""
    known = not part.own and (part.kind, part.name) in _NAMES
    name = _(_NAMES[part.kind, part.name]) if known else part.name
    if part.bounds is None:
        return name
    low, high = part.bounds
    return _("{name}, {low} to {high} s", name=name, low=localized(f"{low:.1f}"), high=localized(f"{high:.1f}"))


def mix_up(mixed: MixUp) -> str:
    """Say what was taken for what, and how often."""
    if not mixed.said:
        return _("{label} missed ({n})", label=word(mixed.label), n=mixed.n)
    if not mixed.label:
        return _("{label} said wrongly ({n})", label=word(mixed.said), n=mixed.n)
    return f"{word(mixed.label)} → {word(mixed.said)} ({mixed.n})"
