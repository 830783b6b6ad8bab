"""Which column of a table is what: by what stands in it first, by its name where that leaves a doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentir.errors import CorpusError
from sentir.files.label_cells import is_known_label
from sentir.i18n import _
from sentir.table_inspection.columns import MAX_LABELS, TASKS, Column, share_of_known_labels

# Names of columns as `Column.key` writes them.
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
_MIN_MEAN_WORDS = 3  # per row in a column that is text though its name does not say so
_MAX_LABEL_VALUES = 30  # in a column that may be the label though nothing says so


@dataclass
class ColumnRoles:
    """What was decided so far.

    Attributes:
        columns: role → column; several for ``labels``.
        reasons: column's name → why it has its role, or none.
        task: what the labels are of.
        questions: role → a question to the user.
    """

    columns: dict[str, tuple[Column, ...]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    task: str = "emotion"
    questions: dict[str, str] = field(default_factory=dict)

    def assign(self, role: str, reason: str, *columns: Column) -> None:
        """Give a role to one or more columns."""
        self.columns[role] = columns
        self.reasons |= {column.name: reason for column in columns}

    def unassign(self, role: str, reason: str) -> None:
        """Take a role away again; with a dialogue go its turns."""
        for one in (role, "turn") if role == "dialogue" else (role,):
            self.reasons |= {column.name: reason for column in self.columns.pop(one, ())}

    def column(self, role: str) -> Column | None:
        """Return the column of a role, if there is one."""
        return self.columns.get(role, (None,))[0]

    def unassigned(self, columns: Sequence[Column]) -> list[Column]:
        """Return the columns that could have a role and have none: with a name, and not alike in every row."""
        return [c for c in columns if c.name.strip() and c.name not in self.reasons and c.is_varied]


def find_named(columns: Sequence[Column], role: str) -> list[Column]:
    """Return the columns whose names say the role."""
    names = COLUMN_NAMES[role].split()
    found = {c.name: key for c in columns for key in _name_variants(c, role)[::-1] if key in names}
    return sorted((c for c in columns if c.name in found), key=lambda c: names.index(found[c.name]))


def _name_variants(column: Column, role: str) -> list[str]:
    """Return what a column may be called: a speaker's or a dialogue's id is named as it is itself."""
    if role not in ("speaker", "dialogue"):
        return [column.normalized_name]
    return [column.normalized_name, column.normalized_name.removesuffix("id"), column.normalized_name.removeprefix("id"),
            column.normalized_name.removesuffix("name"), column.normalized_name.removeprefix("nombre")]  # fmt: skip


def find_labels(path: Path, columns: Sequence[Column], roles: ColumnRoles) -> None:
    """Find the column of names of labels, or the columns of intensities.

    Raises:
        CorpusError: if nothing looks like labels.
    """
    flags = _find_intensity_columns(columns, roles)
    spoken = [(task, c) for task in TASKS for c in roles.unassigned(columns) if _holds_labels(c, task)]
    if spoken:
        names = COLUMN_NAMES["label"].split()
        task, column = min(spoken, key=lambda pair: (TASKS.index(pair[0]), pair[1].normalized_name not in names))
        roles.task = task
        why = {"emotion": _("names of emotions"), "sentiment": _("names of sentiments")}[task]
        roles.assign("label", why, column)
        for _task, other in spoken:
            if other.name not in roles.reasons:
                roles.reasons[other.name] = _("names of labels as well; a recipe takes one column of them")
        if flags:
            why = _("an intensity; 'labels' may name all of these, instead of 'label'")
            roles.reasons |= {c.name: why for c in flags[1]}
    elif flags:
        roles.task, found = flags
        roles.assign("labels", _("a number, or yes or no, for each label"), *found)
        _add_threshold_questions(found, roles)
    else:
        _guess_label(path, columns, roles)


def _holds_labels(column: Column, task: str) -> bool:
    words = column.label_counts(column.label_separator)
    return not column.is_numeric and len(words) <= MAX_LABELS and share_of_known_labels(words, task) >= 0.5


def _find_intensity_columns(columns: Sequence[Column], roles: ColumnRoles) -> tuple[str, list[Column]] | None:
    for task in TASKS:
        found = [c for c in roles.unassigned(columns) if c.is_numeric and is_known_label(c.name, task)]
        if found:
            return task, found
    return None


def _add_threshold_questions(found: Sequence[Column], roles: ColumnRoles) -> None:
    if marked := [c.name for c in found if c.is_checkmarks]:
        roles.questions["labels"] = _(
            "are empty cells in {columns} a no? So they are taken.", columns=", ".join(marked)
        )
    numbers = {number for c in found for number in c.numbers if number is not None}
    if numbers - {0.0, 1.0}:
        roles.questions["threshold"] = _(
            "the numbers go from {low:g} to {high:g}: from which on does a label hold? Now any above 0.",
            low=min(numbers),
            high=max(numbers),
        )


def _guess_label(path: Path, columns: Sequence[Column], roles: ColumnRoles) -> None:
    free = [c for c in roles.unassigned(columns) if len(c.label_counts(c.label_separator)) <= MAX_LABELS]
    others = {name for role in ("text", "speaker", "dialogue", "id") for name in COLUMN_NAMES[role].split()}
    few = [
        c
        for c in free
        if not c.is_numeric
        and c.normalized_name not in others
        and len(c.value_counts) <= min(_MAX_LABEL_VALUES, c.num_filled // 3)
    ]
    guesses = [*find_named(free, "label"), *few]
    if not guesses:
        raise CorpusError(
            _(
                "{path}: no column holds names of emotions or sentiments, or is called 'label'; the columns that "
                "differ from row to row are: {columns}. Call that of the labels 'label', or write the recipe "
                "yourself.",
                path=path,
                columns=", ".join(c.name for c in roles.unassigned(columns)) or "–",
            )
        )
    column = guesses[0]
    roles.task = "sentiment" if column.normalized_name.startswith("sentim") else "emotion"
    by_name = column.normalized_name in COLUMN_NAMES["label"].split()
    roles.assign("label", _("called so") if by_name else _("few values, many rows of each"), column)
    roles.questions["label"] = _(
        "is it the column of labels? Its values are no names of emotions that are known."
    )


def find_text(columns: Sequence[Column], roles: ColumnRoles, *, has_audio: bool) -> None:
    """Find the column of texts; where there is sound and all say the same few sentences, they are left out."""
    words = [c for c in roles.unassigned(columns) if not c.is_numeric and not c.holds_clips]
    found = find_named(words, "text")
    long = sorted((c for c in words if c.mean_words >= _MIN_MEAN_WORDS), key=lambda c: -c.mean_words)
    if not found and not long:
        return
    column = (found or long)[0]
    if has_audio and len(column.value_counts) * 10 <= column.num_filled:
        roles.reasons[column.name] = _(
            "{n} different texts in all; words tell little here", n=len(column.value_counts)
        )
        return
    roles.assign("text", _("called so") if found else _("most words in a row"), column)
    if not found and len(long) > 1:
        roles.questions["text"] = _("or is it '{other}'?", other=long[1].name)


def find_by_name(columns: Sequence[Column], roles: ColumnRoles) -> None:
    """Find speaker, dialogue, its turns and id, and the times of clips, by their names."""
    for role in ("speaker", "dialogue"):
        for column in find_named([c for c in roles.unassigned(columns) if not c.is_unique], role)[:1]:
            roles.assign(role, _("called so"), column)
    if dialogue := roles.column("dialogue"):
        numbers = [c for c in roles.unassigned(columns) if c.is_numeric and c.is_turn_of(dialogue)]
        for column in find_named(numbers, "turn")[:1]:
            roles.assign("turn", _("numbers the rows of each dialogue"), column)
    for column in find_named([c for c in roles.unassigned(columns) if c.is_unique], "id")[:1]:
        roles.assign("id", _("another value in each row"), column)
    if roles.column("audio"):
        times = [c for c in roles.unassigned(columns) if c.is_numeric]
        start, end = find_named(times, "start"), find_named(times, "end")
        if start and end:
            roles.assign("start", _("seconds in the clip's file"), start[0])
            roles.assign("end", _("seconds in the clip's file"), end[0])
