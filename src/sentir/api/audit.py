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
from sentir.io import prepare_output_path
from sentir.paths import PathLike
from sentir.progress import progress_bar
from sentir.readers import read_corpus
from sentir.report.audit_page import save_audit_page


def audit_corpus(
    corpus: PathLike,
    *,
    root: PathLike | None = None,
    audio: bool | None = None,
    html: PathLike | None = None,
    workers: int | None = None,
) -> AuditReport:
    """Audit a corpus given by the name of its reader (``"meld"``) or by a recipe.

    With a reader's name, clips are searched under ``root``; with a recipe, if its ``data.audio`` is set.

    Args:
        corpus: a reader's name or a recipe.
        root: folder of the corpus.
        audio: whether clips are decoded, once, as they are cached; by default if there are clips.
        html: an HTML file to write the audit to, in every language.
        workers: number of worker processes; by default one per core.

    Raises:
        CorpusError: if ``audio`` is true and there are no clips.
        SentirError: if there is no such reader or recipe, the corpus cannot be read, or the store or the HTML
            file cannot be written.
    """
    if html:
        prepare_output_path(Path(html))
    data = resolve_data(corpus, root=root)
    if audio:
        data = data.model_copy(update={"audio": True})
    loaded = read_corpus(data, root)
    audio_scan = _scan_audio(loaded, audio, workers)
    with progress_bar(_("Checking for duplicates and leakage"), 1):
        leakage, contamination = measure_leakage(loaded, data.cleaning), find_contamination(loaded)

        def report(corpus: Corpus) -> AuditReport:
            findings = contamination_findings(contamination)
            return audit(corpus, audio_scan, leakage=leakage, other_findings=findings)

        audits = {get_language(): report(loaded)}
    for code in LANGUAGES if html else ():
        if code not in audits:
            with use_language(code):
                issues = read_corpus(data, root).issues  # the reader's messages in this language
                audits[code] = report(replace(loaded, issues=issues))
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
