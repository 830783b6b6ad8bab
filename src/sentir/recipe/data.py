"""The section ``data``: which corpus, and the columns of a table of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from sentir.i18n import _
from sentir.recipe.sections import Section

DEFAULT_CLEANING = ("repair_encoding", "drop_stage_noises", "collapse_whitespace")


class Splits(Section):
    """Which groups make up dev and test, by their names in the ``group`` column; all others are train."""

    dev: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


class Table(Section):
    """Columns of a table of the user's own (reader ``table``); every column is named, none is guessed.

    Attributes:
        file: CSV, TSV, a workbook (.xlsx), Parquet or JSON lines, or a folder that ``datasets`` saved, relative
            to the root; the root itself may be it. A folder with splits has them in the column ``split``.
            Several files are a list, or one each of train, dev and test by name; ids begin with the file's name.
        encoding: of CSV, TSV and JSON lines, where it is not UTF-8 and the guess is wrong, such as ``cp1252``.
        name: what reports and audits call the corpus; the file's name if not given, which ids have anyway.
        label: a column with one label name per row, or several: a JSON list, or names between separators.
        label_separator: what parts several labels in a cell of ``label``, such as ``|``.
        names: the table's words for labels → ours; ``""`` is no label. Known words need none.
        labels: columns with an intensity each; a label is present above ``threshold``.
        value: a column with a number to be recognized, instead of labels, on the ``scale``.
        scale: the lowest and the highest number that ``value`` can hold.
        features: numeric columns offered as inputs.
        group: column whose values never cross splits when there is no split column (else ``dialogue``).
        slices: columns by whose values scores are cut, such as gender; up to eight values each.
        splits: the groups of dev and of test by name; exclusive with ``split`` and with ``fractions``.
        fractions: shares of train, dev and test for the split by group, drawn where no groups are named.
    """

    file: Path | tuple[Path, ...] | dict[Literal["train", "dev", "test"], Path] | None = None
    encoding: str | None = None
    name: str | None = Field(None, min_length=1)
    text: str | None = None
    id: str | None = None
    audio: str | None = None
    start: str | None = None
    end: str | None = None
    speaker: str | None = None
    dialogue: str | None = None
    split: str | None = None
    label: str | None = None
    label_separator: str | None = Field(None, min_length=1)
    labels: tuple[str, ...] = ()
    value: str | None = None
    scale: tuple[float, float] | None = None
    names: dict[str, str] = Field(default_factory=dict)
    threshold: float = 0.0
    normalize: bool = True
    features: tuple[str, ...] = ()
    group: str | None = None
    slices: tuple[str, ...] = ()
    splits: Splits = Splits()
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
    seed: int = 0

    @field_validator("file", mode="before")
    @classmethod
    def _file_or_files(cls, value: Any) -> Any:
        several = (
            value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        )
        named = not isinstance(value, Mapping) or ("train" in value and value.keys() <= {"train", "dev", "test"})
        single = value is None or isinstance(value, str | Path)
        if not named or not (single or (several and all(isinstance(one, str | Path) for one in several))):
            raise ValueError(
                _('give a file, a list of files, or one each of train, dev and test: {{ train = "a.csv", … }}')
            )
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                "".encode(value)
        except LookupError as error:
            raise ValueError(_("it is no encoding that is known, such as utf-8, cp1252 or utf-16")) from error
        return value

    @model_validator(mode="after")
    def _one_kind_of_label(self) -> Self:
        if sum(map(bool, (self.label, self.labels, self.value))) != 1:
            raise ValueError(_("name either one column in 'label', several in 'labels', or one in 'value'"))
        if bool(self.value) != bool(self.scale) or (self.scale and not self.scale[0] < self.scale[1]):
            raise ValueError(_("'value' needs its 'scale', such as [-3, 3], and 'scale' a 'value'"))
        if self.label_separator and not self.label:
            raise ValueError(_("'label_separator' parts the cells of 'label'; 'labels' needs none"))
        if not (min(self.fractions) > 0 and abs(sum(self.fractions) - 1) <= 1e-6):  # also where one is NaN
            raise ValueError(_("'fractions' must be three shares above 0 that sum to 1"))
        return self

    @model_validator(mode="after")
    def _one_way_to_split(self) -> Self:
        dev, test = set(self.splits.dev), set(self.splits.test)
        if isinstance(self.file, dict) and (self.split or dev or test):
            raise ValueError(_("'file' names the splits already; leave out 'split' and 'splits'"))
        if not dev and not test:
            return self
        if not (dev and test) or dev & test:
            raise ValueError(_("'splits' must name groups of dev and other groups of test"))
        if self.group is None:
            raise ValueError(_("'splits' names groups; name their column in 'group'"))
        if self.split or self.fractions != type(self).model_fields["fractions"].default:
            raise ValueError(_("give only one of 'splits', 'split' and 'fractions'"))
        return self


class Data(Section):
    """Which corpus, which task of it, and how its text is cleaned.

    Attributes:
        sound: whether the clips of the utterances are looked for; a model that listens needs it.
        twins: which of two cuts of a MELD clip is taken: the one whose length is ``nearest`` to the CSV's, or the
            ``plain`` one.
        text_root: where the texts lie that the spectrograms of ``final_specs`` are of, if not near them.
        cleaning: names of steps in `sentir.corpus.cleaning`, applied in order.
        min_train_words: leave utterances with fewer words after cleaning out of train (never of dev or test).
    """

    reader: str
    root: Path | None = None
    task: str = "emotion"
    sound: bool = False
    twins: Literal["nearest", "plain"] = "nearest"
    text_root: Path | None = None
    cleaning: tuple[str, ...] = DEFAULT_CLEANING
    min_train_words: int = Field(0, ge=0)
    table: Table | None = None
