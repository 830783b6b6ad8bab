"""ELAN annotation files (``.eaf``, format 3.0), with a tier each for speakers, texts and emotions.

Annotations of a tier cannot overlap: turns that do are in further tiers, ``text 2`` and so on. Times are in
milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.safe_text import make_printable
from sentir.timelines.document import TimelineDocument, Turn
from sentir.timelines.formats.text_fields import assign_layers, join_labels, make_turn, to_milliseconds
from sentir.timelines.formats.tiers import Interval, tier_name, turns_from_tiers

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="Sentir" DATE="1970-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">{media}</HEADER>
"""
_MEDIA = "<MEDIA_DESCRIPTOR MEDIA_URL={url} MIME_TYPE={mime} RELATIVE_MEDIA_URL={relative}/>"
_TAIL = """<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>
</ANNOTATION_DOCUMENT>
"""


def write(timeline: TimelineDocument, path: Path) -> None:
    """Write an EAF document."""
    layers = assign_layers(timeline.turns)
    slots: list[str] = []
    tiers: list[str] = []
    for n, layer in enumerate(layers or [[]]):
        references = []
        for turn in layer:
            times = to_milliseconds(turn)
            references.append((len(slots) + 1, len(slots) + 2))
            slots += [
                f'<TIME_SLOT TIME_SLOT_ID="ts{len(slots) + k}" TIME_VALUE="{t}"/>' for k, t in enumerate(times, 1)
            ]
        for field in ("speaker", "text", "emotion"):
            cells = [(reference, _cell(turn, field)) for reference, turn in zip(references, layer, strict=True)]
            tiers.append(_tier(tier_name(field, n), [(r, text) for r, text in cells if text is not None]))
    media = _media(timeline.source.file) if timeline.source.file else ""
    order = f"<TIME_ORDER>{''.join(slots)}</TIME_ORDER>"
    path.write_text("\n".join([_HEAD.format(media=media) + order, *tiers, _TAIL]), encoding="utf-8", newline="\n")


def _cell(turn: Turn, field: str) -> str | None:
    return join_labels(turn.labels) if field == "emotion" else getattr(turn, field)


def _tier(name: str, cells: list[tuple[tuple[int, int], str]]) -> str:
    key = name.replace(" ", "-")
    annotations = "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{key}-{n}" TIME_SLOT_REF1="ts{first}" '
        f'TIME_SLOT_REF2="ts{second}"><ANNOTATION_VALUE>{_escape(text)}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>'
        "</ANNOTATION>\n"
        for n, ((first, second), text) in enumerate(cells, start=1)
    )
    return f'<TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="{name}">\n{annotations}</TIER>'


def _escape(text: str) -> str:
    return escape(make_printable(text), {"\r": "&#13;"})


def _media(file: str) -> str:
    name = quoteattr(make_printable(Path(file).name))
    mime = '"audio/x-wav"' if file.lower().endswith(".wav") else '"unknown"'
    return _MEDIA.format(url=name, mime=mime, relative=f'"./{name[1:-1]}"' if name[0] == '"' else name)


def read(path: Path) -> Mapping[str, list[Turn]]:
    """Read the turns: of the tiers that Sentir writes, else of every tier with times, as a speaker's texts.

    Annotations that refer to others have their times. The speaker is the participant of a tier, or its name.

    Raises:
        TimelineError: if the file is not EAF, or an annotation has impossible times.
    """
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except ElementTree.ParseError as error:
        raise TimelineError(_("{path} is not an ELAN file: {why}.", path=path, why=error)) from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise TimelineError(_("{path} is not an ELAN file: {why}.", path=path, why=root.tag))
    times = _interpolate_times(root)
    by_id = {one.get("ANNOTATION_ID", ""): one for one in root.iter() if one.get("ANNOTATION_ID")}
    tiers, participants = {}, {}
    for tier in root.iter("TIER"):
        name = tier.get("TIER_ID", "")
        tiers[name] = list(_intervals(tier, by_id, times, str(path)))
        participants[name] = tier.get("PARTICIPANT") or name
    return {_media_name(root): turns_from_tiers(tiers, participants)}


def _interpolate_times(root: Element) -> dict[str, float]:
    """Return time slot → seconds; slots without a time lie evenly between those that have one."""
    slots = [(one.get("TIME_SLOT_ID", ""), one.get("TIME_VALUE")) for one in root.iter("TIME_SLOT")]
    times: dict[str, float] = {}
    last, waiting = 0.0, list[str]()
    for key, value in slots:
        waiting.append(key)
        if value is not None:
            seconds = int(value) / 1000
            times |= {one: last + (seconds - last) * n / len(waiting) for n, one in enumerate(waiting, start=1)}
            times[key], last, waiting = seconds, seconds, []
    return times


def _intervals(
    tier: Element, by_id: Mapping[str, Element], times: Mapping[str, float], where: str
) -> Iterator[Interval]:
    for annotation in tier.iter():
        if annotation.tag not in ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION"):
            continue
        aligned: Element | None = annotation
        while aligned is not None and aligned.tag == "REF_ANNOTATION":
            aligned = by_id.get(aligned.get("ANNOTATION_REF", ""))
        key = annotation.get("ANNOTATION_ID")
        if aligned is None or not {aligned.get("TIME_SLOT_REF1"), aligned.get("TIME_SLOT_REF2")} <= times.keys():
            raise TimelineError(_("{where}: the annotation {id} has no times.", where=where, id=key))
        start, end = times[aligned.get("TIME_SLOT_REF1", "")], times[aligned.get("TIME_SLOT_REF2", "")]
        if make_turn(f"{where}, {key}", start, end) is not None:
            yield Interval(start, end, annotation.findtext("ANNOTATION_VALUE") or "")


def _media_name(root: Element) -> str:
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    return "" if media is None else (media.get("MEDIA_URL") or "").rsplit("/", 1)[-1]
