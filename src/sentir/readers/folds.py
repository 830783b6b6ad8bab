"""The folds of a corpus, as ``data.folds`` of a recipe describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sentir.corpus.corpus import Corpus
from sentir.corpus.folds import split_groups
from sentir.corpus.utterances import Utterance
from sentir.errors import CorpusError
from sentir.files.tables import load_rows
from sentir.i18n import _
from sentir.recipe.folds import MIN_FOLDS, FoldSettings

_MAX_LISTED = 4  # names that an error message lists


def assign_folds(corpus: Corpus, settings: FoldSettings) -> dict[str, str]:
    """Return the fold of each utterance of train and dev by its id; a test split of the corpus' own has none.

    Raises:
        CorpusError: if an utterance has no fold, a group or a dialogue is in two, there are too few groups or
            folds, or a list names a group that is not in the corpus.
    """
    rows = [u for u in corpus if u.split != "test"]
    own_groups = find_groups(corpus, rows, None)
    if settings.column:
        folds = find_groups(corpus, rows, settings.column, complete=False)
    else:
        groups = find_groups(corpus, rows, settings.by)
        fold_of_group = _fold_of_groups(corpus, groups, settings)
        folds = {key: fold_of_group.get(group, "") for key, group in groups.items()}
    _require_folds(corpus, rows, folds, own_groups)
    _require_whole(corpus, rows, folds, own_groups)
    return folds


def find_groups(
    corpus: Corpus, rows: Sequence[Utterance], kind: str | None, *, complete: bool = True
) -> dict[str, str]:
    """Return id → group of some utterances.

    Args:
        corpus: the corpus.
        rows: the utterances.
        kind: what a group is: ``speaker``, ``dialogue``, or a kind of groups or slices of the corpus; by default
            its own groups, else dialogues if any has several utterances, else speakers.
        complete: whether an utterance without a group goes by its dialogue, else by its id.

    Raises:
        CorpusError: if there is no such kind.
    """
    known: dict[str, Mapping[str, str]] = {
        "speaker": {u.id: u.speaker for u in rows if u.speaker},
        "dialogue": {u.id: u.dialogue for u in rows if u.dialogue},
        **corpus.slices,
        **corpus.groups,
    }
    kind = _default_kind(corpus, rows) if kind is None else kind
    if kind not in known:
        raise CorpusError(
            _("'data.folds': the corpus '{corpus}' has no column or group '{name}'; it has: {known}.",
              corpus=corpus.name, name=kind, known=", ".join(known))
        )  # fmt: skip
    names = known[kind]
    return {u.id: names.get(u.id, (u.dialogue or u.id) if complete else "") for u in rows}


def _default_kind(corpus: Corpus, rows: Sequence[Utterance]) -> str:
    if corpus.groups:
        return next(iter(corpus.groups))
    dialogues = {u.dialogue or u.id for u in rows}
    return "speaker" if len(dialogues) == len(rows) and any(u.speaker for u in rows) else "dialogue"


def _fold_of_groups(corpus: Corpus, groups: Mapping[str, str], settings: FoldSettings) -> dict[str, str]:
    """Return group → fold."""
    names = sorted(set(groups.values()))
    if settings.k:
        if len(names) < settings.k:
            raise CorpusError(
                _("'data.folds.k' = {k} needs as many groups, '{name}' has {n}; lower it.",
                  k=settings.k, name=corpus.name, n=len(names))
            )  # fmt: skip
        numbers = split_groups(names, settings.k, settings.seed)
        return {name: str(number + 1) for name, number in zip(names, numbers, strict=True)}
    listed = _read_file(settings) if settings.file else _number_lists(settings)
    if unknown := [name for name in listed if name not in set(names)]:
        raise CorpusError(
            _("'data.folds' names groups that '{corpus}' does not have: {unknown}; it has: {known}.",
              corpus=corpus.name, unknown=_abbreviate(unknown), known=_abbreviate(names))
        )  # fmt: skip
    return listed


def _number_lists(settings: FoldSettings) -> dict[str, str]:
    return {name: str(n) for n, fold in enumerate(settings.groups, start=1) for name in fold}


def _read_file(settings: FoldSettings) -> dict[str, str]:
    """Return group → fold of the table ``data.folds.file``."""
    assert settings.file is not None
    rows = load_rows(settings.file)
    if missing := [name for name in ("group", "fold") if name not in rows[0]]:
        raise CorpusError(
            _("{path} has no column '{name}'; it has: {known}.",
              path=settings.file, name=missing[0], known=", ".join(rows[0]))
        )  # fmt: skip
    listed: dict[str, str] = {}
    for row in rows:
        if listed.setdefault(row["group"].strip(), row["fold"].strip()) != row["fold"].strip():
            raise CorpusError(
                _("{path}: the group '{name}' is in two folds, {one} and {other}.", path=settings.file,
                  name=row["group"].strip(), one=listed[row["group"].strip()], other=row["fold"].strip())
            )  # fmt: skip
    return listed


def _require_folds(
    corpus: Corpus, rows: Sequence[Utterance], folds: Mapping[str, str], groups: Mapping[str, str]
) -> None:
    if lost := [u.id for u in rows if not folds[u.id]]:
        raise CorpusError(
            _("{n} utterances of '{corpus}' are in no fold, the first is '{id}' (group '{group}'); give each "
              "group a fold in 'data.folds', or remove the rows.",
              n=len(lost), corpus=corpus.name, id=lost[0], group=groups[lost[0]])
        )  # fmt: skip
    if (n := len(set(folds.values()))) < MIN_FOLDS:
        raise CorpusError(
            _("'data.folds': the corpus '{corpus}' has {n} folds; cross-validation needs {least} or more.",
              corpus=corpus.name, n=n, least=MIN_FOLDS)
        )  # fmt: skip


def _require_whole(
    corpus: Corpus, rows: Sequence[Utterance], folds: Mapping[str, str], groups: Mapping[str, str]
) -> None:
    """Check that the utterances of a group and of a dialogue, which share a speaker or a scene, share a fold."""
    for unit_of in (groups, {u.id: u.dialogue for u in rows if u.dialogue}):
        fold_of: dict[str, str] = {}
        for key, unit in unit_of.items():
            if fold_of.setdefault(unit, folds[key]) != folds[key]:
                raise CorpusError(
                    _("'data.folds': '{unit}' is in two folds, {one} and {other}, so a model would be tested on "
                      "what it was trained on; keep groups and dialogues of '{corpus}' whole.",
                      unit=unit, one=fold_of[unit], other=folds[key], corpus=corpus.name)
                )  # fmt: skip


def _abbreviate(names: Sequence[str]) -> str:
    return ", ".join(names[:_MAX_LISTED]) + (" …" if len(names) > _MAX_LISTED else "")
