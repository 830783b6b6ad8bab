"""Scores on slices of a split: seen in train or not, by duration, by turn, by label change and more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sentir.audio.extraction import is_spectrogram_file
from sentir.audio.store import attach_audio
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.corpus.labels import LabelSpace
from sentir.corpus.text_similarity import casefold_text
from sentir.corpus.utterances import Utterance, group_dialogues
from sentir.display_names import slice_kind_name, slice_name
from sentir.evaluation.aligned import AlignedRuns
from sentir.evaluation.intervals import score_with_intervals
from sentir.evaluation.metrics import compute_score
from sentir.evaluation.results import GoldLabels, Score
from sentir.i18n import _, localize_numbers

MIN_SLICE_SIZE = 20  # utterances below which a slice has no interval
_MAX_GROUP_NAMES = 8  # most groups of a kind, such as genders, by which a split is sliced


@dataclass(frozen=True, slots=True)
class SliceDefinition:
    """A slice of a split.

    Attributes:
        kind: criterion: ``speaker``, ``text``, ``duration``, ``turn``, ``shift``, ``missing``, or a kind of
            groups of the corpus, such as ``gender``.
        name: of the slice.
        bounds: of a duration, in seconds.
        is_corpus_group: whether kind and name are those of the corpus, which may equal Sentir's.
    """

    kind: str
    name: str
    bounds: tuple[float, float] | None = None
    is_corpus_group: bool = False

    @property
    def display_kind(self) -> str:
        """The criterion, in the current language."""
        return self.kind.replace("_", " ") if self.is_corpus_group else slice_kind_name(self.kind)

    @property
    def display_name(self) -> str:
        """The name of the slice, in the current language; of a duration with its bounds."""
        name = self.name if self.is_corpus_group else slice_name(self.kind, self.name)
        if self.bounds is None:
            return name
        low, high = (localize_numbers(f"{bound:.1f}") for bound in self.bounds)
        return _("{name}, {low} to {high} s", name=name, low=low, high=high)


@dataclass(frozen=True, slots=True)
class SliceScore:
    """The score on a slice; no interval with fewer than `MIN_SLICE_SIZE` utterances, or few dialogues."""

    definition: SliceDefinition
    n: int
    metric: str
    score: Score

    @property
    def is_small(self) -> bool:
        """Whether it has too few utterances for an interval."""
        return self.n < MIN_SLICE_SIZE


Slicing = dict[str, SliceDefinition]  # utterance id → its slice; some utterances may be in none


def score_slices(aligned: AlignedRuns, slicings: Sequence[Slicing], metric: str) -> tuple[SliceScore, ...]:
    """Score every slice of N utterances by one of `sentir.evaluation.metrics.count_metrics`."""
    scores = []
    for slicing in slicings:
        for definition in dict.fromkeys(slicing.values()):
            rows = np.array([n for n, key in enumerate(aligned.ids) if slicing.get(key) == definition])
            if len(rows):
                score = _score_slice(aligned.select(rows), metric)
                scores.append(SliceScore(definition, len(rows), metric, score))
    return tuple(scores)


def _score_slice(aligned: AlignedRuns, metric: str) -> Score:
    if len(aligned) >= MIN_SLICE_SIZE:
        return score_with_intervals(aligned)[metric]
    values = [compute_score(aligned.space, metric, aligned.truth, *run) for run in aligned.runs]
    return Score(float(np.mean(values)))


def define_slices(corpus: Corpus, split: str, gold: GoldLabels, space: LabelSpace) -> list[Slicing]:
    """Slice the labeled utterances of a split by every criterion that divides them.

    Args:
        corpus: of the split; its train split defines what was seen.
        split: train, dev or test; in train everything is seen.
        gold: id → labels of the split for the task of ``space``.
        space: of the task.
    """
    utterances = corpus.split(split)
    rows = [u for u in utterances if u.id in gold]
    slicings = [
        _by_train_overlap("speaker", rows, corpus, lambda u: u.speaker or ""),
        _by_train_overlap("text", rows, corpus, lambda u: casefold_text(u.text)),
        _by_duration(rows),
        _by_turn(utterances, gold),
        _by_label_change(utterances, gold, space),
        _by_missing_modality(rows),
        *(_by_group(rows, kind, names) for kind, names in {**corpus.groups, **corpus.slices}.items()),
    ]
    return [slicing for slicing in slicings if len(set(slicing.values())) > 1]


def _by_train_overlap(
    kind: str, rows: Sequence[Utterance], corpus: Corpus, name: Callable[[Utterance], str]
) -> Slicing:
    """Slice by whether a name, such as the speaker's, occurs in train; utterances without one are in no slice."""
    seen, unseen = SliceDefinition(kind, "seen"), SliceDefinition(kind, "unseen")
    known = {name(u) for u in corpus.train} - {""}
    return _order_slices({u.id: seen if name(u) in known else unseen for u in rows if name(u)}, (seen, unseen))


def _by_duration(rows: Sequence[Utterance]) -> Slicing:
    """Slice at the terciles of positive durations."""
    seconds = {key: value for key, value in _durations(rows).items() if value > 0}
    if not seconds:
        return {}
    edges = [round(float(edge), 3) for edge in np.quantile(list(seconds.values()), [0, 1 / 3, 2 / 3, 1])]
    names = ("short", "middle", "long")
    terciles = [SliceDefinition("duration", name, (edges[n], edges[n + 1])) for n, name in enumerate(names)]
    slicing = {key: terciles[int(np.searchsorted(edges[1:3], value))] for key, value in seconds.items()}
    return _order_slices(slicing, terciles)


def _durations(rows: Sequence[Utterance]) -> dict[str, float]:
    """Return the durations of utterances in seconds: from the corpus, else from their audio."""
    unknown = [
        u
        for u in rows
        if "duration" not in u.numeric_features and u.clip and not is_spectrogram_file(u.clip.path)
    ]
    measured = {u.id: u.audio.seconds for u in attach_audio(unknown) if u.audio} if unknown else {}
    return measured | {u.id: u.numeric_features["duration"] for u in rows if "duration" in u.numeric_features}


def _by_turn(split_utterances: Sequence[Utterance], gold: GoldLabels) -> Slicing:
    """Slice by the position of a labeled utterance in its dialogue; turns without a label count too."""
    first, early, later = (SliceDefinition("turn", name) for name in ("first", "second_to_fifth", "later"))
    positions = {u.id: n for d in group_dialogues(split_utterances) for n, u in enumerate(d.utterances)}
    slicing = {key: first if not n else early if n < 5 else later for key, n in positions.items() if key in gold}
    return _order_slices(slicing, (first, early, later))


def _by_label_change(split_utterances: Sequence[Utterance], gold: GoldLabels, space: LabelSpace) -> Slicing:
    """Slice by whether the labels (in regression, the nearest steps) are those of the speaker's previous turn.

    Utterances whose previous turn has no label are in no slice.
    """
    same, shifts = SliceDefinition("shift", "same"), SliceDefinition("shift", "shifts")
    slicing: Slicing = {}
    for dialogue in group_dialogues(split_utterances):
        last: dict[str, frozenset[str] | None] = {}
        for u in dialogue.utterances:
            if u.speaker is None:
                continue
            labels = frozenset(space.categorize(gold[u.id])) if u.id in gold else None
            previous = last.get(u.speaker)
            if labels is not None and previous is not None:
                slicing[u.id] = same if labels == previous else shifts
            last[u.speaker] = labels
    return _order_slices(slicing, (same, shifts))


def _by_missing_modality(rows: Sequence[Utterance]) -> Slicing:
    """Slice by whether an utterance lacks clip or text that others have."""
    definitions = [SliceDefinition("missing", name) for name in ("nothing", "clip", "text", "both")]
    clips, texts = any(u.clip for u in rows), not all(is_blank(u.text) for u in rows)
    missing = {u.id: (clips and not u.clip) + 2 * (texts and is_blank(u.text)) for u in rows}
    return _order_slices({key: definitions[n] for key, n in missing.items()}, definitions)


def _by_group(rows: Sequence[Utterance], kind: str, names: Mapping[str, str]) -> Slicing:
    slicing = {u.id: SliceDefinition(kind, names[u.id], is_corpus_group=True) for u in rows if u.id in names}
    definitions = sorted(set(slicing.values()), key=lambda definition: definition.name)
    return _order_slices(slicing, definitions) if len(definitions) <= _MAX_GROUP_NAMES else {}


def _order_slices(slicing: Slicing, definitions: Sequence[SliceDefinition]) -> Slicing:
    """Return the slicing with its slices in the order of ``definitions``."""
    return {key: own for definition in definitions for key, own in slicing.items() if own == definition}
