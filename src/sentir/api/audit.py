"""The verb that audits a corpus."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sentir.api.recipes import resolve_data
from sentir.audit import AudioScan, AuditReport, audit, measure_leakage, scan_audio
from sentir.corpus.corpus import Corpus
from sentir.errors import CorpusError
from sentir.evaluation.locked.test_contamination import contamination_findings, find_contamination
from sentir.i18n import LANGUAGES, _, get_language, use_language
from sentir.paths import PathLike
from sentir.progress import progress_bar
from sentir.readers import read_corpus
from sentir.report.audit_page import prepare_output_path, save_audit_page


def audit_corpus(
    corpus: PathLike,
    *,
    root: PathLike | None = None,
    audio: bool | None = None,
    html: PathLike | None = None,
    workers: int | None = None,
) -> AuditReport:
    """Audit a corpus named by a reader (``"meld"``) or by the recipe that reads it.

    The clips of a reader's corpus are looked for under ``root``; a recipe says itself whether they are.

    Args:
        corpus: its name, or the recipe.
        root: where it lies.
        audio: whether clips are listened to, each once for all times; if not given, those that are found.
        html: an HTML file to write the audit to, in every language.
        workers: processes that decode; one for each core if not given.

    Raises:
        CorpusError: if sound is asked for and there are no clips.
        SentirError: if there is no such reader or recipe, or the corpus cannot be read, or the store or the page
            cannot be written.
    """
    if html:
        prepare_output_path(Path(html))
    data = resolve_data(corpus, root=root)
    if audio:
        data = data.model_copy(update={"audio": True})
    found = read_corpus(data, root)
    hearing = _scan_audio(found, audio, workers)
    with progress_bar(_("Looking for copies and leaks"), 1):
        measured, known = measure_leakage(found, data.cleaning), find_contamination(found)
        audits = {
            get_language(): audit(found, hearing, leakage=measured, other_findings=contamination_findings(known))
        }
    for code in LANGUAGES if html else ():
        if code not in audits:
            with use_language(code):
                issues = read_corpus(data, root).issues  # the reader's own sentences; nothing else is done again
                told = replace(found, issues=issues)
                audits[code] = audit(
                    told, hearing, leakage=measured, other_findings=contamination_findings(known)
                )
    if html:
        save_audit_page(audits, Path(html))
    return audits[get_language()]


def _scan_audio(corpus: Corpus, audio: bool | None, workers: int | None) -> AudioScan | None:
    clips = any(u.clip is not None for u in corpus)
    if audio and not clips:
        raise CorpusError(
            _("The corpus '{name}' has no clips; give the root that holds its audio.", name=corpus.name)
        )
    return scan_audio(corpus, workers=workers) if clips and audio is not False else None
