"""Assigning roles to columns: by their content first, then by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentir.errors import CorpusError
from sentir.files.label_cells import is_known_label
from sentir.i18n import _
from sentir.table_inspection.columns import MAX_LABELS, TASKS, Column, share_of_known_labels

# Column names as in `Column.normalized_name`.
COLUMN_NAMES = {
    "text": "text utterance sentence transcript transcription content tweet comment message review texto textos "
    "frase frases oracion oraciones enunciado enunciados transcripcion transcripciones contenido tuit mensaje "
    "mensajes comentario comentarios resena opinion intervencion",
    "start": "start starttime begin inicio tiempoinicio tiempodeinicio comienzo desde",
    "end": "end endtime fin final tiempofin tiempodefin hasta",
    "speaker": "speaker spk actor actress subject user author participant character hablante locutor locutora "
    "orador oradora interlocutor interlocutora persona personaje participante sujeto actriz usuario autor autora",
    "dialogue": "dialogue dialog conversation conv thread video session dialogo conversacion charla hilo sesion "
    "entrevista",
    "turn": "turn turnid turnindex turnnumber utteranceid uttid utteranceindex turno numerodeturno",
    "id": "id key uid uuid rowid utteranceid sentenceid sampleid srno identificador clave idfrase idtexto",
    "label": "label labels emotion emotions mood class category target sentiment sentiments etiqueta etiquetas "
    "emocion emociones clase categoria sentimiento sentimientos",
}
LABEL_PREFIXES = (
    "label",
    "emotion",
    "sentim",
    "etiqueta",
    "emocion",
    "valence",
    "arousal",
    "valencia",
    "activacion",
)
_MIN_MEAN_WORDS = 3  # per row of a text column without a known name
_MAX_LABEL_VALUES = 30  # of a label column without a known name or labels


@dataclass
class ColumnRoles:
    """The roles assigned so far.

    Attributes:
        columns: role → column; several for ``labels``.
        reasons: name of a column → why it has its role, or none.
        task: of the labels.
        questions: role → a question to the user.
    """

    columns: dict[str, tuple[Column, ...]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    task: str = "emotion"
    questions: dict[str, str] = field(default_factory=dict)

    def assign(self, role: str, reason: str, *columns: Column) -> None:
        """Assign a role to one or more columns."""
        self.columns[role] = columns
        self.reasons |= {column.name: reason for column in columns}

    def unassign(self, role: str, reason: str) -> None:
        """Remove a role; turns are removed with their dialogue."""
        for one in (role, "turn") if role == "dialogue" else (role,):
            self.reasons |= {column.name: reason for column in self.columns.pop(one, ())}

    def column(self, role: str) -> Column | None:
        """Return the column of a role, if there is one."""
        return self.columns.get(role, (None,))[0]

    def unassigned(self, columns: Sequence[Column]) -> list[Column]:
        """Return the columns without a role, except unnamed and constant ones."""
        return [c for c in columns if c.name.strip() and c.name not in self.reasons and c.is_varied]


def find_named(columns: Sequence[Column], role: str) -> list[Column]:
    """Return the columns whose names suggest the role, in the order of its known names."""
    names = COLUMN_NAMES[role].split()
    matches = {c.name: variant for c in columns for variant in _name_variants(c, role)[::-1] if variant in names}
    return sorted((c for c in columns if c.name in matches), key=lambda c: names.index(matches[c.name]))


def _name_variants(column: Column, role: str) -> list[str]:
    """Return the variants of a column name; speakers and dialogues may be called an id or a name."""
    name = column.normalized_name
    if role not in ("speaker", "dialogue"):
        return [name]
    without_id = name.removesuffix("id"), name.removeprefix("id")
    return [name, *without_id, name.removesuffix("name"), name.removeprefix("nombre")]


def find_labels(path: Path, columns: Sequence[Column], roles: ColumnRoles) -> None:
    """Assign the label column, or the columns of intensities.

    Raises:
        CorpusError: if nothing looks like labels.
    """
    numeric = (
        (task, [c for c in roles.unassigned(columns) if c.is_numeric and is_known_label(c.name, task)])
        for task in TASKS
    )
    intensities = next((found for found in numeric if found[1]), None)
    named = [(task, c) for task in TASKS for c in roles.unassigned(columns) if _holds_labels(c, task)]
    if named:
        names = COLUMN_NAMES["label"].split()
        task, column = min(named, key=lambda pair: (TASKS.index(pair[0]), pair[1].normalized_name not in names))
        roles.task = task
        reason = {"emotion": _("names of emotions"), "sentiment": _("names of sentiments")}[task]
        roles.assign("label", reason, column)
        for _task, other in named:
            if other.name not in roles.reasons:
                roles.reasons[other.name] = _("label names too; a recipe uses one column of them")
        if intensities:
            reason = _("an intensity; these columns may be 'labels' instead of 'label'")
            roles.reasons |= {c.name: reason for c in intensities[1]}
    elif intensities:
        roles.task, label_columns = intensities
        roles.assign("labels", _("a number, or yes or no, for each label"), *label_columns)
        _add_threshold_questions(label_columns, roles)
    else:
        _guess_label(path, columns, roles)


def _holds_labels(column: Column, task: str) -> bool:
    words = column.label_counts(column.label_separator)
    return not column.is_numeric and len(words) <= MAX_LABELS and share_of_known_labels(words, task) >= 0.5


def _add_threshold_questions(columns: Sequence[Column], roles: ColumnRoles) -> None:
    if checkmarks := [c.name for c in columns if c.is_checkmarks]:
        roles.questions["labels"] = _(
            "do empty cells in {columns} mean no? They are read as no.", columns=", ".join(checkmarks)
        )
    numbers = {number for c in columns for number in c.numbers if number is not None}
    if numbers - {0.0, 1.0}:
        roles.questions["threshold"] = _(
            "intensities range from {low:g} to {high:g}: above which one is a label present? Now above 0.",
            low=min(numbers),
            high=max(numbers),
        )


def _guess_label(path: Path, columns: Sequence[Column], roles: ColumnRoles) -> None:
    candidates = [c for c in roles.unassigned(columns) if len(c.label_counts(c.label_separator)) <= MAX_LABELS]
    others = {name for role in ("text", "speaker", "dialogue", "id") for name in COLUMN_NAMES[role].split()}
    few_values = [
        c
        for c in candidates
        if not c.is_numeric
        and c.normalized_name not in others
        and len(c.value_counts) <= min(_MAX_LABEL_VALUES, c.num_filled // 3)
    ]
    guesses = [*find_named(candidates, "label"), *few_values]
    if not guesses:
        _require_two_labels(path, columns)
        raise CorpusError(
            _(
                "{path}: no column of at most {n} different values contains names of emotions or sentiments, or "
                "is called 'label'; the columns that are not constant are: {columns}. Rename the label column to "
                "'label', or write the recipe yourself.",
                path=path,
                n=MAX_LABELS,
                columns=", ".join(c.name for c in roles.unassigned(columns)) or "–",
            )
        )
    column = guesses[0]
    roles.task = "sentiment" if column.normalized_name.startswith("sentim") else "emotion"
    by_name = column.normalized_name in COLUMN_NAMES["label"].split()
    roles.assign("label", _("by its name") if by_name else _("few values, each in many rows"), column)
    roles.questions["label"] = _("is this the label column? Its values are not known emotions.")


def _require_two_labels(path: Path, columns: Sequence[Column]) -> None:
    """Raise CorpusError if all rows have the same label, in a column called so."""
    for column in find_named(columns, "label"):
        if len(column.value_counts) == 1:
            raise CorpusError(
                _(
                    "{path}: all labels in the column '{column}' are '{label}'; a model needs two or more to "
                    "learn from.",
                    path=path,
                    column=column.name,
                    label=next(iter(column.value_counts)),
                )
            )


def find_text(columns: Sequence[Column], roles: ColumnRoles, *, has_audio: bool) -> None:
    """Assign the text column; with audio, a few texts that repeat in all rows are not used."""
    candidates = [c for c in roles.unassigned(columns) if not c.is_numeric and not c.holds_clips]
    named = find_named(candidates, "text")
    long = sorted((c for c in candidates if c.mean_words >= _MIN_MEAN_WORDS), key=lambda c: -c.mean_words)
    if not named and not long:
        return
    column = (named or long)[0]
    if has_audio and len(column.value_counts) * 10 <= column.num_filled:
        roles.reasons[column.name] = _(
            "only {n} different texts, too few to learn from", n=len(column.value_counts)
        )
        return
    roles.assign("text", _("by its name") if named else _("most words per row"), column)
    if not named and len(long) > 1:
        roles.questions["text"] = _("or is it '{other}'?", other=long[1].name)


def find_by_name(columns: Sequence[Column], roles: ColumnRoles) -> None:
    """Assign speaker, dialogue, turn, id, and start and end of clips by their names."""
    for role in ("speaker", "dialogue"):
        for column in find_named([c for c in roles.unassigned(columns) if not c.is_unique], role)[:1]:
            roles.assign(role, _("by its name"), column)
    if dialogue := roles.column("dialogue"):
        numbers = [c for c in roles.unassigned(columns) if c.is_numeric and c.is_turn_of(dialogue)]
        for column in find_named(numbers, "turn")[:1]:
            roles.assign("turn", _("numbers the rows of each dialogue"), column)
    for column in find_named([c for c in roles.unassigned(columns) if c.is_unique], "id")[:1]:
        roles.assign("id", _("a different value in every row"), column)
    if roles.column("audio"):
        times = [c for c in roles.unassigned(columns) if c.is_numeric]
        start, end = find_named(times, "start"), find_named(times, "end")
        if start and end:
            roles.assign("start", _("seconds in the clip's file"), start[0])
            roles.assign("end", _("seconds in the clip's file"), end[0])
