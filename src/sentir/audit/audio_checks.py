"""Findings about the clips of a corpus."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sentir.audio.decoding_notes import describe_note_kind, is_data_loss
from sentir.audit.audio_scan import CLIPPING_THRESHOLD, AudioScan, compute_speech_rate, get_annotated_seconds
from sentir.audit.results import Finding, graded_finding
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Utterance
from sentir.i18n import _, localize_numbers

MAX_WORDS_PER_SECOND = 10.0  # fast speakers briefly reach 7 or 8
MIN_CLIP_SECONDS = 0.2  # shorter clips contain no word
MAX_CLIP_SECONDS = 30.0  # a clip above both this and the ratio is cut wrongly
MAX_DURATION_RATIO = 3.0  # of clip to annotation
MAX_DURATION_DIFFERENCE = 0.3  # seconds between clip and annotation
MAX_RELATIVE_DURATION_DIFFERENCE = 0.1
MIN_LEVEL_DBFS = -60.0


def check_speech_rate(corpus: Corpus, audio_scan: AudioScan | None) -> list[Finding]:
    """Find utterances with an impossible speech rate: their text and times do not match."""
    rates = {u.id: compute_speech_rate(u, audio_scan) or 0.0 for u in corpus}
    too_fast = sorted(
        (key for key, rate in rates.items() if rate > MAX_WORDS_PER_SECOND), key=lambda key: -rates[key]
    )
    message = _(
        "Utterances with more than {limit} words per second, which is impossible, so their text and times do not "
        "match: {n}.",
        n=len(too_fast),
        limit=f"{MAX_WORDS_PER_SECOND:g}",
    )
    return _clip_findings(corpus, "speech_too_fast", message, too_fast)


def check_audio(corpus: Corpus, audio_scan: AudioScan) -> list[Finding]:
    """Find clips that are unusable, truncated, too short, too long, silent, clipped or quiet."""
    findings = [
        *_unusable_findings(corpus, audio_scan),
        *_note_findings(corpus, audio_scan),
        *_condition_findings(corpus, audio_scan),
    ]
    if audio_scan.num_uncompared:
        message = _(
            "Clips with less than 0.5 s of active audio, not compared with others: {n}; compared: {compared}.",
            n=audio_scan.num_uncompared,
            compared=audio_scan.num_compared,
        )
        findings.append(Finding("clips_not_compared", "note", message, audio_scan.num_uncompared))
    return findings


def _clip_findings(corpus: Corpus, kind: str, message: str, ids: Sequence[str]) -> list[Finding]:
    return [graded_finding(kind, "warning", message, len(ids), len(ids) / len(corpus), ids)] if ids else []


def _unusable_findings(corpus: Corpus, audio_scan: AudioScan) -> list[Finding]:
    """Group unusable clips by reason, without missing files that are already issues of the reader."""
    reported = {issue.where for issue in corpus.issues if issue.kind == "audio_file_missing"}
    groups: dict[str, list[str]] = defaultdict(list)
    for utterance_id, audio in audio_scan.audio.items():
        if audio.problem_kind and not (audio.problem_kind == "missing" and utterance_id in reported):
            groups[audio.problem_kind].append(utterance_id)
    findings = []
    for kind, ids in groups.items():
        message = audio_scan.audio[ids[0]].problem
        if len(ids) > 1:
            message = _("{n} times, for example: {message}", n=len(ids), message=message)
        share = len(ids) / len(corpus)
        findings.append(
            graded_finding(f"unusable_{kind}", "problem", message, len(ids), share, ids, graded_as="unusable")
        )
    return findings


def _note_findings(corpus: Corpus, audio_scan: AudioScan) -> list[Finding]:
    """Group the notes on usable clips by kind; data loss is a problem."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for utterance_id, audio in audio_scan.audio.items():
        for kind, note in zip(audio.note_kinds, audio.notes, strict=True):
            groups[kind].append((utterance_id, note))
    return [_note_finding(corpus, kind, rows) for kind, rows in groups.items()]


def _note_finding(corpus: Corpus, kind: str, rows: Sequence[tuple[str, str]]) -> Finding:
    (first, note), ids = rows[0], [utterance_id for utterance_id, _note in rows]
    message = _("Usable clips with a note ({what}): {n}; {id}: {note}",
                what=describe_note_kind(kind), n=len(rows), id=first, note=note)  # fmt: skip
    severity, graded_as = ("problem", "clips_incomplete") if is_data_loss(kind) else ("note", "decoding_note")
    share = len(rows) / len(corpus)
    return graded_finding(f"decoding_{kind}", severity, message, len(rows), share, ids, graded_as=graded_as)


def _condition_findings(corpus: Corpus, audio_scan: AudioScan) -> list[Finding]:
    """Find clips with a wrong duration or level, each condition in one finding."""
    ids: dict[str, list[str]] = {
        kind: [] for kind in ("long", "short", "duration_mismatch", "silent", "quiet", "clipped")
    }
    for u in corpus:
        for kind in _clip_conditions(u, audio_scan):
            ids[kind].append(u.id)
    counts = {kind: len(found) for kind, found in ids.items()}
    messages = {
        "long": _("Clips longer than {seconds} s and {times} times their annotated duration, so cut wrongly: "
                  "{n}.",
                  n=counts["long"], seconds=f"{MAX_CLIP_SECONDS:g}", times=f"{MAX_DURATION_RATIO:g}"),
        "short": _("Clips too short for a word, under {seconds} s: {n}.",
                   n=counts["short"], seconds=localize_numbers(f"{MIN_CLIP_SECONDS:g}")),
        "duration_mismatch": _(
            "Clips that differ from their annotated duration by more than {seconds} s and {share}%: {n}.",
            n=counts["duration_mismatch"], seconds=localize_numbers(f"{MAX_DURATION_DIFFERENCE:g}"),
            share=f"{MAX_RELATIVE_DURATION_DIFFERENCE * 100:g}"),
        "silent": _("Silent clips: {n}.", n=counts["silent"]),
        "quiet": _("Clips quieter than {level} dBFS: {n}.", n=counts["quiet"], level=f"{MIN_LEVEL_DBFS:g}"),
        "clipped": _("Clipped clips ({share}% of their samples or more at full scale): {n}.",
                     n=counts["clipped"], share=localize_numbers(f"{CLIPPING_THRESHOLD * 100:g}")),
    }  # fmt: skip
    found = (_clip_findings(corpus, f"clips_{kind}", messages[kind], ids[kind]) for kind in ids)
    return [finding for findings in found for finding in findings]


def _clip_conditions(u: Utterance, audio_scan: AudioScan) -> Iterator[str]:
    audio, annotated = audio_scan.audio.get(u.id), get_annotated_seconds(u)
    if audio is not None and audio.seconds:
        if audio.seconds < MIN_CLIP_SECONDS:
            yield "short"
        if annotated is not None:
            tolerance = max(MAX_DURATION_DIFFERENCE, MAX_RELATIVE_DURATION_DIFFERENCE * annotated)
            if audio.seconds > max(MAX_CLIP_SECONDS, MAX_DURATION_RATIO * annotated):
                yield "long"
            elif abs(audio.seconds - annotated) > tolerance:
                yield "duration_mismatch"
    if audio := audio_scan.measured(u):
        if audio.descriptors["health.silence"] == 1:
            yield "silent"
        elif audio.descriptors["health.level"] < MIN_LEVEL_DBFS:
            yield "quiet"
        if audio.descriptors["health.clipped"] >= CLIPPING_THRESHOLD:
            yield "clipped"
