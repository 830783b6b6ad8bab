"""The section ``tune``: which settings `sentir.study.tuning` tries, how often, and what compares them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from sentir.i18n import _
from sentir.recipe.sections import Section

Number = int | float
Scalar = bool | int | float | str


class Dimension(Section):
    """The values that one setting may take: ``choices``, or a range with both ends in it.

    A range with whole ``low``, ``high`` and ``step`` holds whole numbers; ``{ low = 0.0, high = 1.0 }`` holds
    real ones.

    Attributes:
        low, high: the ends of a range.
        log: whether equal ratios, not equal differences, are equally likely (learning rates).
        step: distance between the values of a range; none = 1 for whole numbers, any value for real ones.
        choices: the values themselves; single values or lists.
    """

    low: Number | None = None
    high: Number | None = None
    log: bool = False
    step: Number | None = Field(None, gt=0)
    choices: tuple[Scalar | tuple[Scalar, ...], ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.choices:
            if self.log or not (self.low is self.high is self.step is None):
                raise ValueError(_("give either 'choices' or 'low' and 'high'"))
            if any(a == b and type(a) is type(b) for n, a in enumerate(self.choices) for b in self.choices[:n]):
                raise ValueError(_("'choices' names a value twice"))
            return self
        if self.low is None or self.high is None:
            raise ValueError(_("give either 'choices' or 'low' and 'high'"))
        if not self.low < self.high:
            raise ValueError(_("'low' must be less than 'high'"))
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError(_("'log' needs 'low' above 0 and no 'step'"))
        if self.step is not None and (_to_decimal(self.high) - _to_decimal(self.low)) % _to_decimal(self.step):
            raise ValueError(_("steps of {step} from 'low' do not reach 'high'", step=self.step))
        return self

    @property
    def is_integer(self) -> bool:
        """Whether a range holds whole numbers."""
        return all(isinstance(end, int) for end in (self.low, self.high, self.step or 1))

    @property
    def bounds(self) -> tuple[Any, Any]:
        """The ends of a range."""
        return self.low, self.high

    def probe_values(self) -> Iterator[Any]:
        """Yield every choice, or the ends of the range and a value between them that no whole number is."""
        if self.choices:
            yield from self.choices
        else:
            low, high = self.bounds
            yield from (low, high)
            if not self.is_integer:
                yield low + (self.step or (high - low) / math.pi)


def _to_decimal(number: Number | None) -> Decimal:
    return Decimal(str(number))


class TuneSettings(Section):
    """Which settings are tried, and how they are compared.

    Attributes:
        trials: how many sets of settings are tried in all, by all processes together.
        sampler: ``tpe`` learns from what was tried (tree-structured Parzen estimators), ``random`` does not.
        pruner: ends hopeless trials by their score after an epoch: ``median`` where it is below the median of the
            trials before it, ``hyperband`` gives few trials all epochs, ``none`` ends none.
        folds: 0 compares by dev; k > 1 by the mean over k parts of train, whole dialogues each, every one of
            which takes the place of dev once. Dev itself is not used then.
        seeds: every trial trains once with each and is worth the mean; none = ``train.seed``.
        seed: of the sampler.
        space: setting (``"train.lr"``, in quotes) → the values it may take.
    """

    trials: int = Field(40, ge=1)
    sampler: Literal["tpe", "random"] = "tpe"
    pruner: Literal["median", "hyperband", "none"] = "median"
    folds: int = Field(0, ge=0)
    seeds: tuple[int, ...] = ()
    seed: int = Field(0, ge=0)
    space: dict[str, Dimension] = Field(default_factory=dict)

    @field_validator("space", mode="before")
    @classmethod
    def _keys_in_quotes(cls, space: Any) -> Any:
        for name, values in space.items() if isinstance(space, Mapping) else ():
            inner = next(iter(values), "") if isinstance(values, Mapping) else ""
            if "." not in name and isinstance(values, Mapping) and isinstance(values.get(inner), Mapping):
                raise ValueError(_('write the whole setting in quotes: "{key}"', key=f"{name}.{inner}"))
        return space

    @model_validator(mode="after")
    def _folds_and_seeds(self) -> Self:
        if self.folds == 1:
            raise ValueError(_("'folds' must be 0 (dev) or at least 2"))
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(_("'seeds' names a seed twice"))
        return self
