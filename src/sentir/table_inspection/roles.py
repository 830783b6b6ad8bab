"""Which column of a table is what: by what stands in it first, by its name where that leaves a doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentir.errors import CorpusError
from sentir.i18n import _
from sentir.readers.table.labels import is_known
from sentir.table_inspection.columns import MOST_LABELS, TASKS, Column, known_share

# Names of columns as `Column.key` writes them.
NAMES = {
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
LABEL_LIKE = ("label", "emotion", "sentim", "etiqueta", "emocion", "valence", "arousal", "valencia", "activacion")
_FEWEST_WORDS = 3  # per row in a column that is text though its name does not say so
_FEW_VALUES = 30  # in a column that may be the label though nothing says so


@dataclass
class Roles:
    """What was decided so far.

    Attributes:
        of: role → column; several for ``labels``.
        why: column's name → why it has its role, or none.
        task: what the labels are of.
        unsure: role → a question to the user.
    """

    of: dict[str, tuple[Column, ...]] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    task: str = "emotion"
    unsure: dict[str, str] = field(default_factory=dict)

    def give(self, role: str, why: str, *columns: Column) -> None:
        """Give a role to one or more columns."""
        self.of[role] = columns
        self.why |= {column.name: why for column in columns}

    def drop(self, role: str, why: str) -> None:
        """Take a role away again; with a dialogue go its turns."""
        for one in (role, "turn") if role == "dialogue" else (role,):
            self.why |= {column.name: why for column in self.of.pop(one, ())}

    def column(self, role: str) -> Column | None:
        """Return the column of a role, if there is one."""
        return self.of.get(role, (None,))[0]

    def free(self, columns: Sequence[Column]) -> list[Column]:
        """Return the columns that could have a role and have none: with a name, and not alike in every row."""
        return [c for c in columns if c.name.strip() and c.name not in self.why and c.varied]


def named(columns: Sequence[Column], role: str) -> list[Column]:
    """Return the columns whose names say the role."""
    names = NAMES[role].split()
    found = {c.name: key for c in columns for key in _keys(c, role)[::-1] if key in names}
    return sorted((c for c in columns if c.name in found), key=lambda c: names.index(found[c.name]))


def _keys(column: Column, role: str) -> list[str]:
    """Return what a column may be called: a speaker's or a dialogue's id is named as it is itself."""
    if role not in ("speaker", "dialogue"):
        return [column.key]
    return [column.key, column.key.removesuffix("id"), column.key.removeprefix("id"),
            column.key.removesuffix("name"), column.key.removeprefix("nombre")]  # fmt: skip


def find_labels(path: Path, columns: Sequence[Column], roles: Roles) -> None:
    """Find the column of names of labels, or the columns of intensities.

    Raises:
        CorpusError: if nothing looks like labels.
    """
    flags = _flags(columns, roles)
    spoken = [(task, c) for task in TASKS for c in roles.free(columns) if _speaks(c, task)]
    if spoken:
        names = NAMES["label"].split()
        task, column = min(spoken, key=lambda pair: (TASKS.index(pair[0]), pair[1].key not in names))
        roles.task = task
        why = {"emotion": _("names of emotions"), "sentiment": _("names of sentiments")}[task]
        roles.give("label", why, column)
        for _task, other in spoken:
            if other.name not in roles.why:
                roles.why[other.name] = _("names of labels as well; a recipe takes one column of them")
        if flags:
            why = _("an intensity; 'labels' may name all of these, instead of 'label'")
            roles.why |= {c.name: why for c in flags[1]}
    elif flags:
        roles.task, found = flags
        roles.give("labels", _("a number, or yes or no, for each label"), *found)
        _ask_threshold(found, roles)
    else:
        _guess_label(path, columns, roles)


def _speaks(column: Column, task: str) -> bool:
    words = column.words(column.separator)
    return not column.numeric and len(words) <= MOST_LABELS and known_share(words, task) >= 0.5


def _flags(columns: Sequence[Column], roles: Roles) -> tuple[str, list[Column]] | None:
    for task in TASKS:
        found = [c for c in roles.free(columns) if c.numeric and is_known(c.name, task)]
        if found:
            return task, found
    return None


def _ask_threshold(found: Sequence[Column], roles: Roles) -> None:
    if marked := [c.name for c in found if c.marked]:
        roles.unsure["labels"] = _(
            "are empty cells in {columns} a no? So they are taken.", columns=", ".join(marked)
        )
    numbers = {number for c in found for number in c.numbers if number is not None}
    if numbers - {0.0, 1.0}:
        roles.unsure["threshold"] = _(
            "the numbers go from {low:g} to {high:g}: from which on does a label hold? Now any above 0.",
            low=min(numbers),
            high=max(numbers),
        )


def _guess_label(path: Path, columns: Sequence[Column], roles: Roles) -> None:
    free = [c for c in roles.free(columns) if len(c.words(c.separator)) <= MOST_LABELS]
    others = {name for role in ("text", "speaker", "dialogue", "id") for name in NAMES[role].split()}
    few = [
        c
        for c in free
        if not c.numeric and c.key not in others and len(c.values) <= min(_FEW_VALUES, c.filled // 3)
    ]
    guesses = [*named(free, "label"), *few]
    if not guesses:
        raise CorpusError(
            _(
                "{path}: no column holds names of emotions or sentiments, or is called 'label'; the columns that "
                "differ from row to row are: {columns}. Call that of the labels 'label', or write the recipe "
                "yourself.",
                path=path,
                columns=", ".join(c.name for c in roles.free(columns)) or "–",
            )
        )
    column = guesses[0]
    roles.task = "sentiment" if column.key.startswith("sentim") else "emotion"
    by_name = column.key in NAMES["label"].split()
    roles.give("label", _("called so") if by_name else _("few values, many rows of each"), column)
    roles.unsure["label"] = _("is it the column of labels? Its values are no names of emotions that are known.")


def find_text(columns: Sequence[Column], roles: Roles, *, sound: bool) -> None:
    """Find the column of texts; where there is sound and all say the same few sentences, they are left out."""
    words = [c for c in roles.free(columns) if not c.numeric and not c.clips]
    found = named(words, "text")
    long = sorted((c for c in words if c.mean_words >= _FEWEST_WORDS), key=lambda c: -c.mean_words)
    if not found and not long:
        return
    column = (found or long)[0]
    if sound and len(column.values) * 10 <= column.filled:
        roles.why[column.name] = _("{n} different texts in all; words tell little here", n=len(column.values))
        return
    roles.give("text", _("called so") if found else _("most words in a row"), column)
    if not found and len(long) > 1:
        roles.unsure["text"] = _("or is it '{other}'?", other=long[1].name)


def find_by_name(columns: Sequence[Column], roles: Roles) -> None:
    """Find speaker, dialogue, its turns and id, and the times of clips, by their names."""
    for role in ("speaker", "dialogue"):
        for column in named([c for c in roles.free(columns) if not c.unique], role)[:1]:
            roles.give(role, _("called so"), column)
    if dialogue := roles.column("dialogue"):
        numbers = [c for c in roles.free(columns) if c.numeric and c.numbers_rows_of(dialogue)]
        for column in named(numbers, "turn")[:1]:
            roles.give("turn", _("numbers the rows of each dialogue"), column)
    for column in named([c for c in roles.free(columns) if c.unique], "id")[:1]:
        roles.give("id", _("another value in each row"), column)
    if roles.column("audio"):
        times = [c for c in roles.free(columns) if c.numeric]
        start, end = named(times, "start"), named(times, "end")
        if start and end:
            roles.give("start", _("seconds in the clip's file"), start[0])
            roles.give("end", _("seconds in the clip's file"), end[0])
