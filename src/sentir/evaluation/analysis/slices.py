"""Scores of parts of a split: seen and unseen, short and long, early and late, steady and changing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.audio.extraction import is_spectrogram_file
from sentir.audio.store import attach_audio
from sentir.audit.leaks import normalize_text
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import Utterance, group_dialogues
from sentir.display_names import slice_kind_name, slice_name
from sentir.evaluation.intervals import score_with_intervals
from sentir.evaluation.metrics import compute_scores
from sentir.evaluation.results import GoldLabels, Run, Score
from sentir.i18n import _, localize_numbers

MIN_SLICE_SIZE = 20  # utterances below which a slice has no interval
_MAX_GROUP_NAMES = 8  # names of a kind of group, such as genders, that a split is cut by


@dataclass(frozen=True, slots=True)
class SliceDefinition:
    """A part of a split.

    Attributes:
        kind: by what the split is cut: ``speaker``, ``text``, ``duration``, ``turn``, ``shift``, ``missing``, or
            a kind of the corpus' own groups, such as ``gender``.
        name: which part.
        bounds: of a duration, from how many seconds up to how many.
        is_corpus_group: whether kind and name are the corpus' own words, which may be called like ours.
    """

    kind: str
    name: str
    bounds: tuple[float, float] | None = None
    is_corpus_group: bool = False

    @property
    def display_kind(self) -> str:
        """The criterion of the split, in the current language."""
        return self.kind.replace("_", " ") if self.is_corpus_group else slice_kind_name(self.kind)

    @property
    def display_name(self) -> str:
        """The name of the part, in the current language; of a duration, its seconds too."""
        name = self.name if self.is_corpus_group else slice_name(self.kind, self.name)
        if self.bounds is None:
            return name
        low, high = (localize_numbers(f"{bound:.1f}") for bound in self.bounds)
        return _("{name}, {low} to {high} s", name=name, low=low, high=high)


@dataclass(frozen=True, slots=True)
class SliceScore:
    """The score of a part, without an interval where it has fewer than `SMALL` utterances, or few dialogues."""

    definition: SliceDefinition
    n: int
    metric: str
    score: Score

    @property
    def is_small(self) -> bool:
        """Whether there are too few utterances for an interval."""
        return self.n < MIN_SLICE_SIZE


Slicing = dict[str, SliceDefinition]  # utterance id → its part; an utterance that is not there is in none


def score_slices(
    space: LabelSpace,
    ids: Sequence[str],
    truth: NDArray,
    runs: Sequence[Run],
    groups: Sequence[str],
    slicings: Sequence[Slicing],
    *,
    metric: str,
    confidence_level: float,
) -> tuple[SliceScore, ...]:
    """Score every part of N utterances.

    Args:
        ids, truth, runs, groups: as `sentir.evaluation.scoring.joined` gives them.
        slicings: from `cut_split`.
        metric: one of `sentir.evaluation.metrics.counted`.
        confidence_level: mass of the intervals.
    """

    def score_rows(rows: NDArray[np.intp]) -> Score:
        own: list[Run] = [(p[rows], thresholds) for p, thresholds in runs]
        if len(rows) < MIN_SLICE_SIZE:
            return Score(float(np.mean([compute_scores(space, truth[rows], *run)[metric] for run in own])))
        drawn = [groups[n] for n in rows]
        return score_with_intervals(space, truth[rows], own, drawn, confidence_level=confidence_level)[metric]

    found = []
    for cut in slicings:
        for part in dict.fromkeys(cut.values()):
            rows = np.array([n for n, key in enumerate(ids) if cut.get(key) == part], dtype=np.intp)
            if len(rows):
                found.append(SliceScore(part, len(rows), metric, score_rows(rows)))
    return tuple(found)


def define_slices(corpus: Corpus, split: str, gold: GoldLabels, space: LabelSpace) -> list[Slicing]:
    """Cut the utterances of a split in every way that tells some of them from others.

    Args:
        corpus: train says what was seen.
        split: train, dev or test; for train nothing is unseen.
        gold: id → labels of the split for the task of ``space``.
    """
    whole = corpus.split(split)
    rows = [u for u in whole if u.id in gold]
    cuts = [
        _by_train_overlap("speaker", rows, corpus, lambda u: u.speaker or ""),
        _by_train_overlap("text", rows, corpus, lambda u: normalize_text(u.text)),
        _by_duration(rows),
        _by_turn(whole, gold),
        _by_label_change(whole, gold, space),
        _by_missing_modality(rows),
        *(_by_group(rows, kind, names) for kind, names in {**corpus.groups, **corpus.slices}.items()),
    ]
    return [cut for cut in cuts if len(set(cut.values())) > 1]


def _by_train_overlap(
    kind: str, rows: Sequence[Utterance], corpus: Corpus, name: Callable[[Utterance], str]
) -> Slicing:
    """Say which utterances have a name that train has too, or not; those without one are left out."""
    seen, unseen = SliceDefinition(kind, "seen"), SliceDefinition(kind, "unseen")
    known = {name(u) for u in corpus.train} - {""}
    return _order_slices({u.id: seen if name(u) in known else unseen for u in rows if name(u)}, (seen, unseen))


def _by_duration(rows: Sequence[Utterance]) -> Slicing:
    """Cut at the terciles of what lasts some time."""
    seconds = {key: value for key, value in _durations(rows).items() if value > 0}
    if not seconds:
        return {}
    edges = [round(float(edge), 3) for edge in np.quantile(list(seconds.values()), [0, 1 / 3, 2 / 3, 1])]
    names = ("short", "middle", "long")
    parts = [SliceDefinition("duration", name, (edges[n], edges[n + 1])) for n, name in enumerate(names)]
    places = {key: int(np.searchsorted(edges[1:3], value)) for key, value in seconds.items()}
    return _order_slices({key: parts[place] for key, place in places.items()}, parts)


def _durations(rows: Sequence[Utterance]) -> dict[str, float]:
    """Return how long utterances last, by the corpus, by the cut of their clips, or by listening."""
    unknown = [
        u
        for u in rows
        if "duration" not in u.numeric_features and u.clip and not is_spectrogram_file(u.clip.path)
    ]
    heard = {u.id: u.audio.seconds for u in attach_audio(unknown) if u.audio} if unknown else {}
    return heard | {u.id: u.numeric_features["duration"] for u in rows if "duration" in u.numeric_features}


def _by_turn(split_utterances: Sequence[Utterance], gold: GoldLabels) -> Slicing:
    """Say when in its dialogue a labeled utterance comes; turns without a label count too."""
    first, early, later = (SliceDefinition("turn", name) for name in ("first", "second_to_fifth", "later"))
    places = {u.id: place for d in group_dialogues(split_utterances) for place, u in enumerate(d.utterances)}
    parts = {key: first if not n else early if n < 5 else later for key, n in places.items() if key in gold}
    return _order_slices(parts, (first, early, later))


def _by_label_change(split_utterances: Sequence[Utterance], gold: GoldLabels, space: LabelSpace) -> Slicing:
    """Say whether the labels are those of the speaker's previous turn, a number those of the nearest step.

    Where that turn has no label, nothing is said.
    """
    same, shifts = SliceDefinition("shift", "same"), SliceDefinition("shift", "shifts")
    found: Slicing = {}
    for dialogue in group_dialogues(split_utterances):
        last: dict[str, frozenset[str] | None] = {}
        for u in dialogue.utterances:
            if u.speaker is None:
                continue
            labels, before = (
                frozenset(space.categorize(gold[u.id])) if u.id in gold else None,
                last.get(u.speaker),
            )
            if labels is not None and before is not None:
                found[u.id] = same if labels == before else shifts
            last[u.speaker] = labels
    return _order_slices(found, (same, shifts))


def _by_missing_modality(rows: Sequence[Utterance]) -> Slicing:
    """Say which utterances lack a clip or a text; in a corpus without any, nothing is missing."""
    parts = [SliceDefinition("missing", name) for name in ("nothing", "clip", "text", "both")]
    clips, texts = any(u.clip for u in rows), not all(is_blank(u.text) for u in rows)
    lacks = {u.id: (clips and not u.clip) + 2 * (texts and is_blank(u.text)) for u in rows}
    return _order_slices({key: parts[n] for key, n in lacks.items()}, parts)


def _by_group(rows: Sequence[Utterance], kind: str, names: Mapping[str, str]) -> Slicing:
    found = {u.id: SliceDefinition(kind, names[u.id], is_corpus_group=True) for u in rows if u.id in names}
    parts = sorted(set(found.values()), key=lambda part: part.name)
    return _order_slices(found, parts) if len(parts) <= _MAX_GROUP_NAMES else {}


def _order_slices(slicing: Slicing, definitions: Sequence[SliceDefinition]) -> Slicing:
    """Return the cut, its parts in this order."""
    return {key: part for wanted in definitions for key, part in slicing.items() if part == wanted}
