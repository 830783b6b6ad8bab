"""A self-contained HTML page: player, waveform, turns colored by label, and a table, in English and Spanish.

Recordings of up to ten minutes are part of the page; longer ones are played from their file beside it, or from
one that the reader chooses.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

from sentir.audio.decoding import decode
from sentir.audio.encoding import encode_audio
from sentir.corpus.utterances import Clip
from sentir.display_names import display_name
from sentir.i18n import LANGUAGES, _, format_count, get_language, gettext_noop, use_language
from sentir.safe_text import json_dumps, make_printable
from sentir.timelines.colors import label_color
from sentir.timelines.document import TimelineDocument, Turn
from sentir.timelines.formats.waveform_strips import draw_strips, format_clock

_ASSETS = Path(__file__).parents[1] / "page"
_MAX_EMBEDDED_SECONDS = 600.0
_LANGUAGE_NAMES = {"en": "English", "es": "Español"}
_COLUMNS = {
    "time": gettext_noop("time"),
    "speaker": gettext_noop("speaker"),
    "label": gettext_noop("prediction"),
    "number": gettext_noop("confidence"),
    "text": gettext_noop("text"),
}


def write(timeline: TimelineDocument, path: Path) -> None:
    """Write the page."""
    path.write_text(render_page(timeline), encoding="utf-8", newline="\n")


def render_page(timeline: TimelineDocument) -> str:
    """Return the page; the current language is shown first."""
    current = get_language()
    buttons = "".join(
        f'<button type="button" data-lang="{code}" aria-pressed="{str(code == current).lower()}">{name}</button>'
        for code, name in _LANGUAGE_NAMES.items()
    )
    page = Template((_ASSETS / "template.html").read_text(encoding="utf-8")).substitute(
        lang=current,
        title=escape(timeline.source.file or _("Timeline")),
        css=(_ASSETS / "page.css").read_text(encoding="utf-8"),
        js=(_ASSETS / "page.js").read_text(encoding="utf-8"),
        languages=buttons,
        facts=_localized(lambda: _describe(timeline)),
        notes="".join(f'<p class="warning">{escape(note)}</p>' for note in timeline.notes) + _synthetic(timeline),
        player=_render_player(timeline),
        legend=_render_legend(timeline),
        table=_render_table(timeline),
    )
    return make_printable(page)


def _localized(make: Callable[[], str], tag: str = "span", attributes: str = "") -> str:
    """Return an element with a text in every language."""
    texts = {}
    for code in LANGUAGES:
        with use_language(code):
            texts[code] = make()
    data = " ".join(f'data-{code}="{escape(text)}"' for code, text in texts.items())
    return f"<{tag} {attributes} {data}>{escape(texts[get_language()])}</{tag}>"


def _describe(timeline: TimelineDocument) -> str:
    facts = [_("{n} turns", n=format_count(len(timeline)))]
    if timeline.source.seconds is not None:
        facts.insert(0, format_clock(timeline.source.seconds))
    if timeline.model:
        facts.append(_("model {name}", name=timeline.model.get("name", "")))
    if timeline.source.sha256:
        facts.append(f"SHA-256 {timeline.source.sha256[:12]}…")
    return " · ".join(facts)


def _synthetic(timeline: TimelineDocument) -> str:
    def warn() -> str:
        return _("The model was trained on a synthetic corpus; its predictions on real speech mean nothing.")

    return _localized(warn, "p", 'class="warning"') if timeline.synthetic else ""


def _render_player(timeline: TimelineDocument) -> str:
    if not timeline.has_times or not timeline.source.file:
        return ""
    source, is_embedded = quote(timeline.source.file), False
    path, seconds = timeline.path, timeline.source.seconds or 0.0
    if path is not None and path.is_file() and seconds <= _MAX_EMBEDDED_SECONDS:
        media_type, content = encode_audio(decode(Clip(path)).waveform)
        source, is_embedded = f"data:{media_type};base64,{b64encode(content).decode()}", True
    picker = _localized(lambda: _("Open the recording, if it does not play:")) + ' <input type="file">'
    chooser = "" if is_embedded else f"<label>{picker}</label>"
    player = f'<div class="player"><audio controls preload="metadata" src="{source}"></audio>{chooser}</div>'
    return f"{player}\n{draw_strips(timeline)}"


def _render_legend(timeline: TimelineDocument) -> str:
    counts = {name: sum(name in turn.labels for turn in timeline.turns) for name in timeline.labels}
    return "".join(
        f'<button type="button" aria-pressed="true" data-label="{escape(name)}">{_swatch(name, timeline)}'
        f"{_localized(lambda name=name: display_name(name))} {n}</button>\n"  # type: ignore[misc]
        for name, n in counts.items()
        if n
    )


def _swatch(label: str, timeline: TimelineDocument) -> str:
    return f'<span class="swatch" style="background:{label_color(label, timeline.labels)}"></span>'


def _render_table(timeline: TimelineDocument) -> str:
    cells = [_render_cells(turn, timeline) for turn in timeline.turns]
    shown = [column for column in _COLUMNS if any(row[column] for row in cells)]
    headings = "".join(
        _localized(lambda column=column: _(_COLUMNS[column]), "th", f'class="{column}"')  # type: ignore[misc]
        for column in shown
    )
    rows = []
    for turn, row in zip(timeline.turns, cells, strict=True):
        tds = "".join(f'<td class="{column}" dir="auto">{row[column]}</td>' for column in shown)
        rows.append(f"<tr {_render_data(turn)}>{tds}</tr>")
    body = "\n".join(rows)
    return f"<table>\n<thead><tr>{headings}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _render_data(turn: Turn) -> str:
    times = "" if turn.start is None else f' data-start="{turn.start}" data-end="{turn.end}"'
    return f"data-labels='{escape(json_dumps(list(turn.labels), indent=None))}'{times}"


def _render_cells(turn: Turn, timeline: TimelineDocument) -> dict[str, str]:
    labels = ", ".join(
        _swatch(name, timeline) + _localized(lambda name=name: display_name(name))  # type: ignore[misc]
        for name in turn.labels
    )
    numbers = ", ".join(f"{escape(display_name(name))} {value:.2f}" for name, value in turn.values.items())
    small = "".join(f"<small>{escape(one)}</small>" for one in (turn.problem, *turn.notes) if one)
    button = ""
    if turn.start is not None:
        button = f'<button type="button" data-start="{turn.start}">{format_clock(turn.start)}</button>'
    return {
        "time": button,
        "speaker": escape(turn.speaker or ""),
        "label": labels or numbers,
        "number": "" if turn.confidence is None else f"{100 * turn.confidence:.0f}\u202f%",
        "text": f"{escape(turn.text or '')}{small}",
    }
