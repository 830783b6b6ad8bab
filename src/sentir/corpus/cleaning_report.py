"""Effects of cleaning on a corpus: how many texts each step changes and empties, and examples step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from sentir.corpus.cleaning import CLEANING_STEPS, THESIS_CLEANING
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.recipe import DEFAULT_CLEANING
from sentir.repr_mixin import ReprMixin

CLEANING_PRESETS: Mapping[str, tuple[str, ...]] = {"default": DEFAULT_CLEANING, "thesis": THESIS_CLEANING}
"""Name → its cleaning steps."""


@dataclass(frozen=True, slots=True)
class StepEffect:
    """Effect of one step, applied after those before it.

    Attributes:
        changed: number of texts that it changes.
        emptied: number of texts that are blank after it and were not before.
    """

    step: str
    changed: int
    emptied: int


@dataclass(frozen=True, slots=True)
class Trace:
    """A text after each cleaning step.

    Attributes:
        id: of the utterance.
        texts: the original text, then the text after each step.
    """

    id: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class CleaningReport(ReprMixin):
    """Effects of cleaning steps on a corpus.

    Attributes:
        num_texts: number of utterances with a text.
        effects: one for each step, in order.
        examples: texts chosen to show the effects of as many steps as possible.
    """

    corpus: str
    num_texts: int
    effects: tuple[StepEffect, ...]
    examples: tuple[Trace, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def trace_cleaning(corpus: Corpus, steps: Sequence[str], *, examples: int = 3) -> CleaningReport:
    """Clean every text of all splits step by step; the corpus is not changed.

    Args:
        corpus: the corpus.
        steps: names of steps, or of `CLEANING_PRESETS`, which stand for all their steps.
        examples: maximum number of texts in the report.

    Raises:
        UnknownNameError: if a step is not registered.
    """
    names = [step for name in steps for step in CLEANING_PRESETS.get(name, (name,))]
    functions = [CLEANING_STEPS.get(name) for name in names]
    traces = []
    for u in corpus:
        if u.text is not None:
            texts = [u.text]
            for function in functions:
                texts.append(function(texts[-1]))
            traces.append(Trace(u.id, tuple(texts)))
    effects = tuple(_measure_effect(name, traces, n) for n, name in enumerate(names))
    return CleaningReport(corpus.name, len(traces), effects, tuple(_select_examples(traces, examples)))


def _measure_effect(name: str, traces: Sequence[Trace], n: int) -> StepEffect:
    pairs = [trace.texts[n : n + 2] for trace in traces]
    return StepEffect(
        name,
        changed=sum(before != after for before, after in pairs),
        emptied=sum(not is_blank(before) and is_blank(after) for before, after in pairs),
    )


def _select_examples(traces: Sequence[Trace], n: int) -> list[Trace]:
    """Select texts greedily by the number of steps that change them and no text before; shorter texts first."""
    steps = {
        trace.id: {n for n, (text, cleaned) in enumerate(pairwise(trace.texts)) if text != cleaned}
        for trace in traces
    }
    remaining = sorted(
        (trace for trace in traces if steps[trace.id]), key=lambda trace: (len(trace.texts[0]), trace.id)
    )
    selected: list[Trace] = []
    covered: set[int] = set()
    while remaining and len(selected) < n:
        best = max(remaining, key=lambda trace: (len(steps[trace.id] - covered), len(steps[trace.id])))
        remaining.remove(best)
        selected.append(best)
        covered |= steps[best.id]
    return selected
