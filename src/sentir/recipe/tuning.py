"""The section ``tune``: the search space, the number of trials and the objective of tuning."""

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
    """The search space of one setting: ``choices``, or a closed range.

    A range with integer ``low``, ``high`` and ``step`` is of integers, ``{ low = 0.0, high = 1.0 }`` of floats.

    Attributes:
        low, high: the bounds of a range.
        log: whether values are sampled on a log scale (learning rates).
        step: distance between values; by default 1 for integers and none for floats.
        choices: the values; scalars or lists.
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
                raise ValueError(_("'choices' lists a value twice"))
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
        """Whether a range is of integers."""
        return all(isinstance(end, int) for end in (self.low, self.high, self.step or 1))

    @property
    def bounds(self) -> tuple[Any, Any]:
        """``low`` and ``high``."""
        return self.low, self.high

    def probe_values(self) -> Iterator[Any]:
        """Yield every choice; or the bounds of the range and, if it is of floats, a non-integer between them."""
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
    """Hyperparameter search.

    Attributes:
        trials: total number of trials, of all processes together.
        sampler: ``tpe`` (tree-structured Parzen estimator) or ``random``.
        pruner: stops unpromising trials by their dev score after an epoch: ``median`` if it is below the median
            of earlier trials, ``hyperband``, or ``none``.
        folds: 0 to compare on dev; k > 1 for k-fold cross-validation on train, by dialogue, without dev.
        seeds: every trial trains with each seed and scores the mean; by default ``train.seed``.
        seed: of the sampler.
        space: setting (``"train.lr"``, in quotes) → its search space.
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
            raise ValueError(_("'seeds' lists a seed twice"))
        return self
