"""What a person should know about the clips of a corpus, in sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sentir.audio.decoding_notes import is_loss, note_text
from sentir.audit.audio_findings import CLIPPED, usable, words_per_second
from sentir.audit.audio_scan import Hearing
from sentir.audit.counts import annotated_seconds
from sentir.audit.grading import grade_of
from sentir.audit.results import Finding, Table
from sentir.corpus.corpus import Corpus
from sentir.i18n import _

FASTEST = 10.0  # words per second that nobody can say; people reach 7 or 8 for a moment
SHORTEST = 0.2  # seconds that hold no word
LONGEST, TIMES = 30.0, 3.0  # longer than this and than so many times its annotation: the cut is wrong
OFF, OFF_SHARE = 0.3, 0.1  # seconds and share of the annotation by which a clip may differ
FAINT = -60.0  # dB against full scale
_EXAMPLES = 5


def check_speed(corpus: Corpus, hearing: Hearing | None) -> list[Finding]:
    """List utterances with more words per second than anybody can say: text and times are not of each other."""
    rates = {u.id: words_per_second(u, hearing) for u in corpus}
    fast = sorted(
        (key for key, rate in rates.items() if rate is not None and rate > FASTEST),
        key=lambda key: -(rates[key] or 0.0),
    )
    sentence = _(
        "Utterances with more than {fastest} words per second, which nobody can say, so that text and times "
        "do not belong together: {n}.",
        n=len(fast),
        fastest=f"{FASTEST:g}",
    )
    return _listed(corpus, "too_fast", sentence, fast)


def check_sound(corpus: Corpus, hearing: Hearing, repeats: Table) -> list[Finding]:
    """List what is wrong with the clips: unusable, broken off, short, long, silent, clipped, faint, repeated."""
    return [
        *_unusable(corpus, hearing),
        *_noted(corpus, hearing),
        *_lengths(corpus, hearing),
        *_levels(corpus, hearing),
        *_copies(corpus, hearing, repeats),
    ]


def _listed(corpus: Corpus, kind: str, message: str, ids: Sequence[str]) -> list[Finding]:
    if not ids:
        return []
    grade = grade_of(kind, len(ids) / len(corpus))
    return [Finding(kind, "warning", message, len(ids), tuple(ids[:_EXAMPLES]), grade)]


def _unusable(corpus: Corpus, hearing: Hearing) -> list[Finding]:
    """Group the clips that cannot be used by reason; those that the reader missed already are not told twice."""
    told = {issue.where for issue in corpus.issues if issue.kind == "audio_missing"}
    groups: dict[str, list[str]] = defaultdict(list)
    for key, sound in hearing.sounds.items():
        if sound.problem_kind and not (sound.problem_kind == "missing" and key in told):
            groups[sound.problem_kind].append(key)
    findings = []
    for kind, ids in groups.items():
        message = hearing.sounds[ids[0]].problem
        if len(ids) > 1:
            message = _("{n} times, the first: {message}", n=len(ids), message=message)
        grade = grade_of("lost", len(ids) / len(corpus))
        findings.append(Finding(f"sound_{kind}", "problem", message, len(ids), tuple(ids[:_EXAMPLES]), grade))
    return findings


def _noted(corpus: Corpus, hearing: Hearing) -> list[Finding]:
    """Group what there is to know of clips that are used, by kind; what lacks sound is a problem."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key, sound in hearing.sounds.items():
        for kind, note in zip(sound.note_kinds, sound.notes, strict=True):
            groups[kind].append((key, note))
    return [_noted_alike(corpus, kind, rows) for kind, rows in groups.items()]


def _noted_alike(corpus: Corpus, kind: str, rows: Sequence[tuple[str, str]]) -> Finding:
    (first, note), ids = rows[0], tuple(key for key, _note in rows[:_EXAMPLES])
    message = _("Clips that are used, but {what}: {n}; {id}: {note}",
                what=note_text(kind), n=len(rows), id=first, note=note)  # fmt: skip
    severity, grade = "note", "A"
    if is_loss(kind):
        severity, grade = "problem", grade_of("clips_lacking", len(rows) / len(corpus))
    return Finding(f"sound_{kind}", severity, message, len(rows), ids, grade)


def _lengths(corpus: Corpus, hearing: Hearing) -> list[Finding]:
    short, long_, off = [], [], []
    for u in corpus:
        sound, annotated = hearing.sounds.get(u.id), annotated_seconds(u)
        if sound is None or not sound.seconds:
            continue
        if sound.seconds < SHORTEST:
            short.append(u.id)
        if annotated is None:
            continue
        if sound.seconds > max(LONGEST, TIMES * annotated):
            long_.append(u.id)
        elif abs(sound.seconds - annotated) > max(OFF, OFF_SHARE * annotated):
            off.append(u.id)
    return [
        *_listed(
            corpus,
            "clips_long",
            _("Clips longer than {seconds} s and than {times} times what is annotated, so cut wrongly: {n}.",
              n=len(long_), seconds=f"{LONGEST:g}", times=f"{TIMES:g}"),
            long_,
        ),
        *_listed(
            corpus,
            "clips_short",
            _("Clips shorter than {seconds} s, which holds no word: {n}.", n=len(short), seconds=SHORTEST),
            short,
        ),
        *_listed(
            corpus,
            "clips_off",
            _("Clips that differ from their annotated length by more than {seconds} s and {share} %: {n}.",
              n=len(off), seconds=OFF, share=f"{OFF_SHARE * 100:g}"),
            off,
        ),
    ]  # fmt: skip


def _levels(corpus: Corpus, hearing: Hearing) -> list[Finding]:
    silent, faint, clipped = [], [], []
    for u in corpus:
        if not (sound := usable(hearing, u)):
            continue
        if sound.measures["health.silence"] == 1:
            silent.append(u.id)
        elif sound.measures["health.level"] < FAINT:
            faint.append(u.id)
        if sound.measures["health.clipped"] >= CLIPPED:
            clipped.append(u.id)
    return [
        *_listed(corpus, "clips_silent", _("Silent clips: {n}.", n=len(silent)), silent),
        *_listed(
            corpus,
            "clips_faint",
            _("Clips fainter than {level} dB against full scale: {n}.", n=len(faint), level=f"{FAINT:g}"),
            faint,
        ),
        *_listed(
            corpus,
            "clips_clipped",
            _("Clips with {share} % of their samples or more at full scale, so clipped: {n}.",
              n=len(clipped), share=f"{CLIPPED * 100:g}"),
            clipped,
        ),
    ]  # fmt: skip


def _copies(corpus: Corpus, hearing: Hearing, repeats: Table) -> list[Finding]:
    findings = []
    for row in repeats.rows:
        split, n, share = str(row["split"]), row["utterances"], row["share"]
        if row["what"] != "sounds" or not (isinstance(n, int) and isinstance(share, float) and n):
            continue
        pairs = [
            f"{hearing.copies[u.id]} = {u.id}"
            for u in corpus.split(split)
            if hearing.copies.get(u.id, u.id) != u.id and corpus.by_id[hearing.copies[u.id]].split == split
        ]
        message = _("Clips that are copies of another one of {split}: {n}.", n=n, split=split)
        grade = grade_of("repeated_sounds", share)
        places = tuple(pairs[:_EXAMPLES])
        findings.append(Finding(f"sounds_repeated_in_{split}", "warning", message, n, places, grade))
    if hearing.uncompared:
        message = _(
            "Clips with less than half a second of sound, not compared with others: {n}; compared: {compared}.",
            n=hearing.uncompared,
            compared=hearing.compared,
        )
        findings.append(Finding("clips_not_compared", "note", message, hearing.uncompared))
    return findings
