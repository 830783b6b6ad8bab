"""The verb that audits a corpus."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sentir.api.recipes import named_data
from sentir.audit import Audit, Hearing, audit, hear_corpus, measure
from sentir.corpus.corpus import Corpus
from sentir.errors import CorpusError
from sentir.evaluation.locked.test_contamination import known_findings, known_tests
from sentir.i18n import LANGUAGES, _, in_language, language
from sentir.paths import Place
from sentir.progress import task
from sentir.readers import read_corpus
from sentir.report.audit_page import make_place, save_audit


def audit_corpus(
    corpus: Place,
    *,
    root: Place | None = None,
    sound: bool | None = None,
    page: Place | None = None,
    workers: int | None = None,
) -> Audit:
    """Audit a corpus named by a reader (``"meld"``) or by the recipe that reads it.

    The clips of a reader's corpus are looked for under ``root``; a recipe says itself whether they are.

    Args:
        corpus: its name, or the recipe.
        root: where it lies.
        sound: whether clips are listened to, each once for all times; if not given, those that are found.
        page: an HTML file to write the audit to, in every language.
        workers: processes that decode; one for each core if not given.

    Raises:
        CorpusError: if sound is asked for and there are no clips.
        SentirError: if there is no such reader or recipe, or the corpus cannot be read, or the store or the page
            cannot be written.
    """
    if page:
        make_place(Path(page))
    data = named_data(corpus, root=root)
    if sound:
        data = data.model_copy(update={"sound": True})
    found = read_corpus(data, root)
    hearing = _hear(found, sound, workers)
    with task(_("Looking for copies and leaks"), 1):
        measured, known = measure(found, data.cleaning), known_tests(found)
        audits = {language(): audit(found, hearing, measured=measured, known=known_findings(known))}
    for code in LANGUAGES if page else ():
        if code not in audits:
            with in_language(code):
                issues = read_corpus(data, root).issues  # the reader's own sentences; nothing else is done again
                told = replace(found, issues=issues)
                audits[code] = audit(told, hearing, measured=measured, known=known_findings(known))
    if page:
        save_audit(audits, Path(page))
    return audits[language()]


def _hear(corpus: Corpus, sound: bool | None, workers: int | None) -> Hearing | None:
    clips = any(u.clip is not None for u in corpus)
    if sound and not clips:
        raise CorpusError(
            _("The corpus '{name}' has no clips; give the root that holds its audio.", name=corpus.name)
        )
    return hear_corpus(corpus, workers=workers) if clips and sound is not False else None
