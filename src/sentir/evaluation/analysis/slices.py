"""Scores of parts of a split: seen and unseen, short and long, early and late, steady and changing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.audio.extraction import is_picture
from sentir.audio.store import listen
from sentir.audit.leaks import normalize
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.labels import Label, LabelSpace
from sentir.corpus.utterances import Utterance, group_dialogues
from sentir.evaluation.intervals import Run, scored
from sentir.evaluation.metrics import score
from sentir.evaluation.results import Score

SMALL = 20  # utterances below which a slice has no interval
_MOST = 8  # names of a kind of group, such as genders, that a split is cut by

Gold = Mapping[str, tuple[Label, ...]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a split.

    Attributes:
        kind: by what the split is cut: ``speaker``, ``text``, ``duration``, ``turn``, ``shift``, ``missing``, or
            a kind of the corpus' own groups, such as ``gender``.
        name: which part.
        bounds: of a duration, from how many seconds up to how many.
        own: whether kind and name are the corpus' own words, which may be called like ours.
    """

    kind: str
    name: str
    bounds: tuple[float, float] | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """The score of a part, without an interval where it has fewer than `SMALL` utterances, or few dialogues."""

    part: Part
    n: int
    metric: str
    score: Score

    @property
    def small(self) -> bool:
        """Whether there are too few utterances for an interval."""
        return self.n < SMALL


Cut = dict[str, Part]  # utterance id → its part; an utterance that is not there is in none


def score_slices(
    space: LabelSpace,
    ids: Sequence[str],
    truth: NDArray,
    runs: Sequence[Run],
    groups: Sequence[str],
    cuts: Sequence[Cut],
    *,
    metric: str,
    confidence: float,
) -> tuple[Slice, ...]:
    """Score every part of N utterances.

    Args:
        ids, truth, runs, groups: as `sentir.evaluation.scoring.joined` gives them.
        cuts: from `cut_split`.
        metric: one of `sentir.evaluation.metrics.counted`.
        confidence: mass of the intervals.
    """

    def score_rows(rows: NDArray[np.intp]) -> Score:
        own: list[Run] = [(p[rows], thresholds) for p, thresholds in runs]
        if len(rows) < SMALL:
            return Score(float(np.mean([score(space, truth[rows], *run)[metric] for run in own])))
        drawn = [groups[n] for n in rows]
        return scored(space, truth[rows], own, drawn, confidence=confidence)[metric]

    found = []
    for cut in cuts:
        for part in dict.fromkeys(cut.values()):
            rows = np.array([n for n, key in enumerate(ids) if cut.get(key) == part], dtype=np.intp)
            if len(rows):
                found.append(Slice(part, len(rows), metric, score_rows(rows)))
    return tuple(found)


def cut_split(corpus: Corpus, split: str, gold: Gold, space: LabelSpace) -> list[Cut]:
    """Cut the utterances of a split in every way that tells some of them from others.

    Args:
        corpus: train says what was seen.
        split: train, dev or test; for train nothing is unseen.
        gold: id → labels of the split for the task of ``space``.
    """
    whole = corpus.split(split)
    rows = [u for u in whole if u.id in gold]
    cuts = [
        _seen("speaker", rows, corpus, lambda u: u.speaker or ""),
        _seen("text", rows, corpus, lambda u: normalize(u.text)),
        _by_duration(rows),
        _by_turn(whole, gold),
        _by_shift(whole, gold, space),
        _by_what_is_missing(rows),
        *(_by_group(rows, kind, names) for kind, names in {**corpus.groups, **corpus.traits}.items()),
    ]
    return [cut for cut in cuts if len(set(cut.values())) > 1]


def _seen(kind: str, rows: Sequence[Utterance], corpus: Corpus, name: Callable[[Utterance], str]) -> Cut:
    """Say which utterances have a name that train has too, or not; those without one are left out."""
    seen, unseen = Part(kind, "seen"), Part(kind, "unseen")
    known = {name(u) for u in corpus.train} - {""}
    return _in_order({u.id: seen if name(u) in known else unseen for u in rows if name(u)}, (seen, unseen))


def _by_duration(rows: Sequence[Utterance]) -> Cut:
    """Cut at the terciles of what lasts some time."""
    seconds = {key: value for key, value in _seconds(rows).items() if value > 0}
    if not seconds:
        return {}
    edges = [round(float(edge), 3) for edge in np.quantile(list(seconds.values()), [0, 1 / 3, 2 / 3, 1])]
    names = ("short", "middle", "long")
    parts = [Part("duration", name, (edges[n], edges[n + 1])) for n, name in enumerate(names)]
    places = {key: int(np.searchsorted(edges[1:3], value)) for key, value in seconds.items()}
    return _in_order({key: parts[place] for key, place in places.items()}, parts)


def _seconds(rows: Sequence[Utterance]) -> dict[str, float]:
    """Return how long utterances last, by the corpus, by the cut of their clips, or by listening."""
    unknown = [u for u in rows if "duration" not in u.numbers and u.clip and not is_picture(u.clip.path)]
    heard = {u.id: u.sound.seconds for u in listen(unknown) if u.sound} if unknown else {}
    return heard | {u.id: u.numbers["duration"] for u in rows if "duration" in u.numbers}


def _by_turn(whole: Sequence[Utterance], gold: Gold) -> Cut:
    """Say when in its dialogue a labeled utterance comes; turns without a label count too."""
    first, early, later = (Part("turn", name) for name in ("first", "second_to_fifth", "later"))
    places = {u.id: place for d in group_dialogues(whole) for place, u in enumerate(d.utterances)}
    parts = {key: first if not n else early if n < 5 else later for key, n in places.items() if key in gold}
    return _in_order(parts, (first, early, later))


def _by_shift(whole: Sequence[Utterance], gold: Gold, space: LabelSpace) -> Cut:
    """Say whether the labels are those of the speaker's previous turn, a number those of the nearest step.

    Where that turn has no label, nothing is said.
    """
    same, shifts = Part("shift", "same"), Part("shift", "shifts")
    found: Cut = {}
    for dialogue in group_dialogues(whole):
        last: dict[str, frozenset[str] | None] = {}
        for u in dialogue.utterances:
            if u.speaker is None:
                continue
            labels, before = frozenset(space.group(gold[u.id])) if u.id in gold else None, last.get(u.speaker)
            if labels is not None and before is not None:
                found[u.id] = same if labels == before else shifts
            last[u.speaker] = labels
    return _in_order(found, (same, shifts))


def _by_what_is_missing(rows: Sequence[Utterance]) -> Cut:
    """Say which utterances lack a clip or a text; in a corpus without any, nothing is missing."""
    parts = [Part("missing", name) for name in ("nothing", "clip", "text", "both")]
    clips, texts = any(u.clip for u in rows), not all(is_blank(u.text) for u in rows)
    lacks = {u.id: (clips and not u.clip) + 2 * (texts and is_blank(u.text)) for u in rows}
    return _in_order({key: parts[n] for key, n in lacks.items()}, parts)


def _by_group(rows: Sequence[Utterance], kind: str, names: Mapping[str, str]) -> Cut:
    found = {u.id: Part(kind, names[u.id], own=True) for u in rows if u.id in names}
    parts = sorted(set(found.values()), key=lambda part: part.name)
    return _in_order(found, parts) if len(parts) <= _MOST else {}


def _in_order(cut: Cut, parts: Sequence[Part]) -> Cut:
    """Return the cut, its parts in this order."""
    return {key: part for wanted in parts for key, part in cut.items() if part == wanted}
