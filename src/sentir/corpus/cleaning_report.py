"""What cleaning does to a corpus: how many texts each step changes and empties, and examples step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sentir.corpus.cleaning import CLEANING_STEPS, THESIS_CLEANING
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.recipe import DEFAULT_CLEANING
from sentir.repr_mixin import ReprMixin

CLEANING_PRESETS: Mapping[str, tuple[str, ...]] = {"default": DEFAULT_CLEANING, "thesis": THESIS_CLEANING}
"""Names for whole chains of steps."""


@dataclass(frozen=True, slots=True)
class StepEffect:
    """What one step does, coming after those before it.

    Attributes:
        changed: texts that are others after it.
        emptied: texts that have no word left after it and had one before.
    """

    step: str
    changed: int
    emptied: int


@dataclass(frozen=True, slots=True)
class Trace:
    """One text through all steps.

    Attributes:
        texts: the text as it is, then after each step.
    """

    id: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class CleaningReport(ReprMixin):
    """What a chain of steps does to a corpus.

    Attributes:
        num_texts: utterances that have a text.
        effects: one for each step, in order.
        examples: few texts that together show as many steps at work as they can.
    """

    corpus: str
    num_texts: int
    effects: tuple[StepEffect, ...]
    examples: tuple[Trace, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return asdict(self)


def trace_cleaning(corpus: Corpus, steps: Sequence[str], *, examples: int = 3) -> CleaningReport:
    """Clean every text of a corpus, train, dev and test, step by step; the corpus stays as it is.

    Args:
        corpus: any.
        steps: names of steps; a name of `CHAINS` stands for all of its steps.
        examples: how many texts are shown at most.

    Raises:
        UnknownNameError: if a step is not registered.
    """
    names = [step for name in steps for step in CLEANING_PRESETS.get(name, (name,))]
    functions = [CLEANING_STEPS.get(name) for name in names]
    walks = []
    for u in corpus:
        if u.text is not None:
            texts = [u.text]
            for function in functions:
                texts.append(function(texts[-1]))
            walks.append(Trace(u.id, tuple(texts)))
    effects = tuple(_measure_effect(name, walks, n) for n, name in enumerate(names))
    return CleaningReport(corpus.name, len(walks), effects, tuple(_select_examples(walks, examples)))


def _measure_effect(name: str, traces: Sequence[Trace], n: int) -> StepEffect:
    pairs = [walk.texts[n : n + 2] for walk in traces]
    return StepEffect(
        name,
        changed=sum(before != after for before, after in pairs),
        emptied=sum(not is_blank(before) and is_blank(after) for before, after in pairs),
    )


def _select_examples(traces: Sequence[Trace], n: int) -> list[Trace]:
    """Take texts that show steps which none before showed, the one with most of them first, then the shortest."""
    at_work = {walk.id: _changing_steps(walk) for walk in traces}
    rest = sorted((walk for walk in traces if at_work[walk.id]), key=lambda walk: (len(walk.texts[0]), walk.id))
    chosen: list[Trace] = []
    seen: set[int] = set()
    while rest and len(chosen) < n:
        best = max(rest, key=lambda walk: (len(at_work[walk.id] - seen), len(at_work[walk.id])))
        rest.remove(best)
        chosen.append(best)
        seen |= at_work[best.id]
    return chosen


def _changing_steps(trace: Trace) -> set[int]:
    """Return the numbers of the steps that change a text."""
    return {n for n in range(len(trace.texts) - 1) if trace.texts[n] != trace.texts[n + 1]}
