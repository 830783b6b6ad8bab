"""The section ``data``: the corpus, and the columns of a user's own table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)

from sentir.errors import RecipeError
from sentir.i18n import _, gettext_noop
from sentir.recipe.corpora import CremadSettings, EmoboxSettings, IemocapSettings, MmeldSettings
from sentir.recipe.folds import FoldSettings
from sentir.recipe.sections import FileSafeName, Section
from sentir.recipe.validation_messages import format_validation_error
from sentir.registry import Registry

SettingsT = TypeVar("SettingsT", bound=Section)

DEFAULT_CLEANING = ("repair_encoding", "drop_noise_annotations", "collapse_whitespace")


def _validate_column_names(value: Any) -> str | tuple[str, ...] | None:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, list | tuple) or not value or not all(isinstance(one, str) for one in value):
        raise ValueError(_("name a column, or several in a list"))
    return tuple(value)


ColumnNames = Annotated[str | tuple[str, ...] | None, BeforeValidator(_validate_column_names)]
"""A column, or several whose cells are joined to one name, such as ``["season", "episode"]``."""


def list_columns(*settings: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the columns of one or more settings."""
    return tuple(name for one in settings for name in ((one,) if isinstance(one, str) else one or ()))


def join_columns(columns: str | tuple[str, ...] | None) -> str | None:
    """Return the name of the joined columns; ``None`` if there is none."""
    return " + ".join(list_columns(columns)) or None


class SplitGroups(Section):
    """The groups of dev and test, by their names in the ``group`` column; all others are train.

    Attributes:
        dev: those of dev.
        test: those of test.
    """

    dev: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


class TableSettings(Section):
    """Columns of a user's own table (reader ``table``); columns that are not named here are ignored.

    Attributes:
        file: CSV, TSV, Excel (.xlsx), Parquet or JSON Lines file, or a folder saved by ``datasets``, relative to
            the root, which may itself be the file. The splits of such a folder become a column ``split``. Several
            files are a list, or a table with train, dev and test; ids then begin with the file's name.
        encoding: of CSV, TSV and JSON Lines, if it is not UTF-8 and the guess is wrong, such as ``cp1252``.
        name: the name of the corpus in reports and audits; by default the file's name, which ids always have.
        text: texts.
        id: unique ids of utterances; by default the row numbers.
        audio: paths of audio or video files.
        audio_root: the folder that paths in ``audio`` are relative to, itself relative to the root; by default
            the folder of the table.
        start: where the segment of the file starts, in seconds.
        end: where it ends, in seconds.
        speaker: the speaker; ``speaker``, ``dialogue`` and ``group`` may be several columns together.
        dialogue: the dialogue, whose rows are never in two splits; by default each row is one.
        turn: numbers by which the rows of a dialogue are ordered; by default the order of the table.
        split: the split of each row, if the table has splits.
        label: one label name per row, or several: a JSON list, or names with ``label_separator``.
        label_separator: separates several labels in a cell of ``label``, such as ``|``.
        labels: columns with an intensity each; a label is present if it exceeds ``threshold``.
        threshold: of ``labels``.
        value: the target of a regression task, on the ``scale``.
        votes: columns with the raters' votes for a label each, as counts or shares; the label is that of most.
        scale: the lowest and the highest possible number in ``value`` or, by default 1, in ``labels``.
        values: column → its scale, of several numbers, such as valence and arousal; each is a regression task
            with the column's name.
        names: label names in the table → Sentir's; ``""`` for no label. Known synonyms are mapped anyway.
        normalize: whether known synonyms of emotions and sentiments are mapped to Sentir's names.
        features: numeric columns that a model may use, the feature set ``tabular``.
        group: groups that are kept within one split if the table has no splits; by default ``dialogue``.
        slices: columns by which scores are reported, such as gender; up to eight values each.
        splits: the groups of dev and test by name; instead of ``split`` and ``fractions``.
        fractions: expected shares of train, dev and test in a random split by group. The last may be 0: no test.
        seed: of the random split; ``sentir corpus redraw`` changes it and records that.
    """

    file: Path | tuple[Path, ...] | dict[Literal["train", "dev", "test"], Path] | None = None
    encoding: str | None = None
    name: FileSafeName | None = None
    text: str | None = None
    id: str | None = None
    audio: str | None = None
    audio_root: Path | None = None
    start: str | None = None
    end: str | None = None
    speaker: ColumnNames = None
    dialogue: ColumnNames = None
    turn: str | None = None
    split: str | None = None
    label: str | None = None
    label_separator: str | None = Field(None, min_length=1)
    labels: tuple[str, ...] = ()
    votes: tuple[str, ...] = ()
    value: str | None = None
    scale: tuple[float, float] | None = None
    values: dict[FileSafeName, tuple[float, float]] = Field(default_factory=dict)
    names: dict[str, str] = Field(default_factory=dict)
    threshold: float = 0.0
    normalize: bool = True
    features: tuple[str, ...] = ()
    group: ColumnNames = None
    slices: tuple[str, ...] = ()
    splits: SplitGroups = SplitGroups()
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
    seed: int = 0

    @field_validator("file", mode="before")
    @classmethod
    def _validate_file(cls, value: Any) -> Any:
        several = (
            value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        )
        named = not isinstance(value, Mapping) or ("train" in value and value.keys() <= {"train", "dev", "test"})
        single = value is None or isinstance(value, str | Path)
        if not named or not (single or (several and all(isinstance(one, str | Path) for one in several))):
            raise ValueError(
                _('give a file, a list of files, or one each of train, dev and test: { train = "a.csv", … }')
            )
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                "".encode(value)
        except LookupError as error:
            raise ValueError(_("it is not a known encoding, such as utf-8, cp1252 or utf-16")) from error
        return value

    @model_validator(mode="after")
    def _one_kind_of_label(self) -> Self:
        if sum(map(bool, (self.label, self.labels, self.votes, self.value, self.values))) != 1:
            raise ValueError(
                _("name either one column in 'label' or 'value', or several in 'labels', 'votes' or 'values'")
            )
        misplaced = not self.labels and bool(self.value) != bool(self.scale)
        if misplaced or (self.scale and not self.scale[0] < self.scale[1]):
            raise ValueError(_("'value' needs its 'scale', such as [-3, 3], and 'scale' a 'value'"))
        if wrong := [name for name, (low, high) in self.values.items() if not low < high]:
            raise ValueError(
                _("the scale of '{name}' in 'values' must go from a lower to a higher number", name=wrong[0])
            )
        if self.label_separator and not self.label:
            raise ValueError(_("'label_separator' splits the cells of 'label'; remove it"))
        if min(self.fractions[:2]) <= 0 or self.fractions[2] < 0 or abs(sum(self.fractions) - 1) > 1e-6:
            raise ValueError(_("'fractions' must be three shares that sum to 1, those of train and dev above 0"))
        return self

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns of the labels, whatever their kind."""
        return list_columns(self.label, self.labels, self.votes, self.value, tuple(self.values))

    @model_validator(mode="after")
    def _turns_of_a_dialogue(self) -> Self:
        if self.turn and not self.dialogue:
            raise ValueError(_("'turn' orders the rows of a dialogue; name its column in 'dialogue'"))
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


class MeldSettings(Section):
    """How the readers ``meld`` and ``demo-meld`` read.

    Attributes:
        duplicate_clips: which clip of an utterance with two is used: the one of the ``nearest_duration`` to the
            table's, or the one with the ``plain_name`` (without ``final_videos_test``).
    """

    duplicate_clips: Literal["nearest_duration", "plain_name"] = "nearest_duration"


class FinalSpecsSettings(Section):
    """How the reader ``final_specs`` reads.

    Attributes:
        text_root: the folder of the texts, if not that of the spectrograms.
    """

    recipe_paths: ClassVar[tuple[str, ...]] = ("text_root",)

    text_root: Path | None = None


READER_SETTINGS = Registry(
    gettext_noop("section of a reader"),
    {
        "table": TableSettings,
        "meld": MeldSettings,
        "final_specs": FinalSpecsSettings,
        "emobox": EmoboxSettings,
        "cremad": CremadSettings,
        "iemocap": IemocapSettings,
        "mmeld": MmeldSettings,
    },
)
"""Sections of settings of readers: the section ``data.NAME`` is validated by the class called ``NAME``."""


class DataSettings(Section):
    """The corpus, the task, and text cleaning; besides, a section for each reader in `READER_SETTINGS`.

    Attributes:
        reader: a name in `sentir.readers`.
        root: the folder of the corpus.
        task: the task of the corpus that the model predicts.
        audio: whether the audio clips are looked for; audio models need them.
        cleaning: names of steps in `sentir.corpus.cleaning`, applied in order.
        min_train_words: utterances with fewer words after cleaning are left out of train (never of dev or test).
        folds_of: common name of recipes whose corpora are folds of one corpus, so that the test split of one may
            overlap the train split of another.
        slices: kind → slice → groups (speakers, or those of ``data.table.group``), by which scores are reported,
            such as ``slices.region.north = ["ann", "ben"]``.
        folds: the folds of a cross-validation, which a study then runs instead of a single split; a test split of
            the corpus' own is left out. Elsewhere the first fold is dev, the others are train.
    """

    model_config = ConfigDict(extra="allow")

    reader: str
    root: Path | None = None
    task: FileSafeName = "emotion"
    audio: bool = False
    cleaning: tuple[str, ...] = DEFAULT_CLEANING
    min_train_words: int = Field(0, ge=0)
    folds_of: str = ""
    slices: dict[str, dict[str, tuple[str, ...]]] = Field(default_factory=dict)
    folds: FoldSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _validate_reader_settings(cls, tree: Any) -> Any:
        """Validate the sections of readers; that of a reader whose plug-in is not loaded is kept as it is."""
        if not isinstance(tree, Mapping):
            return tree
        given = {name: value for name, value in tree.items() if name not in cls.model_fields}
        own = str(tree.get("reader"))
        kept = {own: given.pop(own)} if own in given and own not in READER_SETTINGS else {}
        if given:
            sections = _reader_sections_model(
                tuple((name, READER_SETTINGS.get(name)) for name in READER_SETTINGS)
            )
            checked = sections.model_validate(given)
            kept |= {name: one for name in given if (one := getattr(checked, name)) is not None}
        return {name: value for name, value in tree.items() if name in cls.model_fields} | kept

    @classmethod
    def known_settings(cls) -> dict[str, Any]:
        """Return setting → type, with the sections of readers."""
        return super().known_settings() | {name: READER_SETTINGS.get(name) for name in READER_SETTINGS}

    @property
    def table(self) -> TableSettings | None:
        """The columns of a table, for the reader ``table``; ``None`` if the recipe names none."""
        return (self.model_extra or {}).get("table")

    def settings_of(self, kind: type[SettingsT]) -> SettingsT:
        """Return the section of a reader, by its class in `READER_SETTINGS`; the defaults if there is none.

        Raises:
            RecipeError: if a setting without a default is missing.
        """
        name = next(name for name in READER_SETTINGS if READER_SETTINGS.get(name) is kind)
        given = (self.model_extra or {}).get(name, {})
        if isinstance(given, kind):
            return given
        try:
            return kind.model_validate(given.model_dump() if isinstance(given, Section) else given)
        except ValidationError as error:
            raise RecipeError(format_validation_error(error, "recipe", kind, ("data", name))) from error


@lru_cache(maxsize=8)
def _reader_sections_model(sections: tuple[tuple[str, type[Section]], ...]) -> type[Section]:
    """Return a class with an optional field for each section."""
    fields: dict[str, Any] = {name: (kind | None, None) for name, kind in sections}
    model: type[Section] = create_model("ReaderSections", __base__=Section, **fields)
    return model
