"""What a person should know about the clips of a corpus, in sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sentir.audio.decoding_notes import describe_note_kind, is_data_loss
from sentir.audit.audio_scan import AudioScan
from sentir.audit.audio_tables import CLIPPING_THRESHOLD, compute_speech_rate, get_measured_audio
from sentir.audit.counts import get_annotated_seconds
from sentir.audit.grading import compute_grade
from sentir.audit.results import AuditTable, Finding
from sentir.corpus.corpus import Corpus
from sentir.i18n import _

MAX_WORDS_PER_SECOND = 10.0  # words per second that nobody can say; people reach 7 or 8 for a moment
MIN_CLIP_SECONDS = 0.2  # seconds that hold no word
MAX_CLIP_SECONDS, MAX_DURATION_RATIO = (
    30.0,
    3.0,
)  # longer than this and than so many times its annotation: the cut is wrong
MAX_DURATION_DIFFERENCE, MAX_RELATIVE_DURATION_DIFFERENCE = (
    0.3,
    0.1,
)  # seconds and share of the annotation by which a clip may differ
MIN_LEVEL_DBFS = -60.0  # dB against full scale
_MAX_EXAMPLES = 5


def check_speech_rate(corpus: Corpus, audio_scan: AudioScan | None) -> list[Finding]:
    """List utterances with more words per second than anybody can say: text and times are not of each other."""
    rates = {u.id: compute_speech_rate(u, audio_scan) for u in corpus}
    fast = sorted(
        (key for key, rate in rates.items() if rate is not None and rate > MAX_WORDS_PER_SECOND),
        key=lambda key: -(rates[key] or 0.0),
    )
    sentence = _(
        "Utterances with more than {fastest} words per second, which nobody can say, so that text and times "
        "do not belong together: {n}.",
        n=len(fast),
        fastest=f"{MAX_WORDS_PER_SECOND:g}",
    )
    return _clip_findings(corpus, "speech_too_fast", sentence, fast)


def check_audio(corpus: Corpus, audio_scan: AudioScan, repeats: AuditTable) -> list[Finding]:
    """List what is wrong with the clips: unusable, broken off, short, long, silent, clipped, faint, repeated."""
    return [
        *_unusable_findings(corpus, audio_scan),
        *_note_findings(corpus, audio_scan),
        *_duration_findings(corpus, audio_scan),
        *_level_findings(corpus, audio_scan),
        *_duplicate_findings(corpus, audio_scan, repeats),
    ]


def _clip_findings(corpus: Corpus, kind: str, message: str, ids: Sequence[str]) -> list[Finding]:
    if not ids:
        return []
    grade = compute_grade(kind, len(ids) / len(corpus))
    return [Finding(kind, "warning", message, len(ids), tuple(ids[:_MAX_EXAMPLES]), grade)]


def _unusable_findings(corpus: Corpus, audio_scan: AudioScan) -> list[Finding]:
    """Group the clips that cannot be used by reason; those that the reader missed already are not told twice."""
    told = {issue.where for issue in corpus.issues if issue.kind == "audio_file_missing"}
    groups: dict[str, list[str]] = defaultdict(list)
    for key, sound in audio_scan.audio.items():
        if sound.problem_kind and not (sound.problem_kind == "missing" and key in told):
            groups[sound.problem_kind].append(key)
    findings = []
    for kind, ids in groups.items():
        message = audio_scan.audio[ids[0]].problem
        if len(ids) > 1:
            message = _("{n} times, the first: {message}", n=len(ids), message=message)
        grade = compute_grade("unusable", len(ids) / len(corpus))
        findings.append(
            Finding(f"unusable_{kind}", "problem", message, len(ids), tuple(ids[:_MAX_EXAMPLES]), grade)
        )
    return findings


def _note_findings(corpus: Corpus, audio_scan: AudioScan) -> list[Finding]:
    """Group what there is to know of clips that are used, by kind; what lacks sound is a problem."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key, sound in audio_scan.audio.items():
        for kind, note in zip(sound.note_kinds, sound.notes, strict=True):
            groups[kind].append((key, note))
    return [_note_finding(corpus, kind, rows) for kind, rows in groups.items()]


def _note_finding(corpus: Corpus, kind: str, rows: Sequence[tuple[str, str]]) -> Finding:
    (first, note), ids = rows[0], tuple(key for key, _note in rows[:_MAX_EXAMPLES])
    message = _("Clips that are used, but {what}: {n}; {id}: {note}",
                what=describe_note_kind(kind), n=len(rows), id=first, note=note)  # fmt: skip
    severity, grade = "note", "A"
    if is_data_loss(kind):
        severity, grade = "problem", compute_grade("clips_incomplete", len(rows) / len(corpus))
    return Finding(f"decoding_{kind}", severity, message, len(rows), ids, grade)


def _duration_findings(corpus: Corpus, audio_scan: AudioScan) -> list[Finding]:
    short, long_, off = [], [], []
    for u in corpus:
        sound, annotated = audio_scan.audio.get(u.id), get_annotated_seconds(u)
        if sound is None or not sound.seconds:
            continue
        if sound.seconds < MIN_CLIP_SECONDS:
            short.append(u.id)
        if annotated is None:
            continue
        if sound.seconds > max(MAX_CLIP_SECONDS, MAX_DURATION_RATIO * annotated):
            long_.append(u.id)
        elif abs(sound.seconds - annotated) > max(
            MAX_DURATION_DIFFERENCE, MAX_RELATIVE_DURATION_DIFFERENCE * annotated
        ):
            off.append(u.id)
    return [
        *_clip_findings(
            corpus,
            "clips_long",
            _("Clips longer than {seconds} s and than {times} times what is annotated, so cut wrongly: {n}.",
              n=len(long_), seconds=f"{MAX_CLIP_SECONDS:g}", times=f"{MAX_DURATION_RATIO:g}"),
            long_,
        ),
        *_clip_findings(
            corpus,
            "clips_short",
            _("Clips shorter than {seconds} s, which holds no word: {n}.", n=len(short), seconds=MIN_CLIP_SECONDS),
            short,
        ),
        *_clip_findings(
            corpus,
            "clips_duration_mismatch",
            _("Clips that differ from their annotated length by more than {seconds} s and {share} %: {n}.",
              n=len(off), seconds=MAX_DURATION_DIFFERENCE, share=f"{MAX_RELATIVE_DURATION_DIFFERENCE * 100:g}"),
            off,
        ),
    ]  # fmt: skip


def _level_findings(corpus: Corpus, audio_scan: AudioScan) -> list[Finding]:
    silent, faint, clipped = [], [], []
    for u in corpus:
        if not (sound := get_measured_audio(audio_scan, u)):
            continue
        if sound.descriptors["health.silence"] == 1:
            silent.append(u.id)
        elif sound.descriptors["health.level"] < MIN_LEVEL_DBFS:
            faint.append(u.id)
        if sound.descriptors["health.clipped"] >= CLIPPING_THRESHOLD:
            clipped.append(u.id)
    return [
        *_clip_findings(corpus, "clips_silent", _("Silent clips: {n}.", n=len(silent)), silent),
        *_clip_findings(
            corpus,
            "clips_quiet",
            _("Clips fainter than {level} dB against full scale: {n}.", n=len(faint), level=f"{MIN_LEVEL_DBFS:g}"),
            faint,
        ),
        *_clip_findings(
            corpus,
            "clips_clipped",
            _("Clips with {share} % of their samples or more at full scale, so clipped: {n}.",
              n=len(clipped), share=f"{CLIPPING_THRESHOLD * 100:g}"),
            clipped,
        ),
    ]  # fmt: skip


def _duplicate_findings(corpus: Corpus, audio_scan: AudioScan, repeats: AuditTable) -> list[Finding]:
    findings = []
    for row in repeats.rows:
        split, n, share = str(row["split"]), row["utterances"], row["share"]
        if row["kind"] != "clips" or not (isinstance(n, int) and isinstance(share, float) and n):
            continue
        pairs = [
            f"{audio_scan.duplicate_of[u.id]} = {u.id}"
            for u in corpus.split(split)
            if audio_scan.duplicate_of.get(u.id, u.id) != u.id
            and corpus.by_id[audio_scan.duplicate_of[u.id]].split == split
        ]
        message = _("Clips that are copies of another one of {split}: {n}.", n=n, split=split)
        grade = compute_grade("duplicate_clips", share)
        places = tuple(pairs[:_MAX_EXAMPLES])
        findings.append(Finding(f"clips_duplicated_in_{split}", "warning", message, n, places, grade))
    if audio_scan.num_uncompared:
        message = _(
            "Clips with less than half a second of sound, not compared with others: {n}; compared: {compared}.",
            n=audio_scan.num_uncompared,
            compared=audio_scan.num_compared,
        )
        findings.append(Finding("clips_not_compared", "note", message, audio_scan.num_uncompared))
    return findings
