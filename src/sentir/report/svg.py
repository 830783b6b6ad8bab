"""Matplotlib figures as inline SVG with the text color and font of the page, without external resources."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from sentir.i18n import localize_numbers
from sentir.safe_text import make_printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_to_svg(figure: Figure, *, id_prefix: str, title: str, description: str = "") -> str:
    """Return a figure as an SVG element for an HTML page, without scripts, styles, links or fixed size.

    Args:
        figure: the figure; its backgrounds become transparent.
        id_prefix: unique in the page; prepended to every id of the figure.
        title: alternative text.
        description: longer alternative text.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
        patch.set(facecolor="none", edgecolor="none")
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": id_prefix}):
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(buffer, metadata=metadata)  # savefig would draw twice
    root = ElementTree.fromstring(make_printable(buffer.getvalue()))
    _adapt_to_page(root, id_prefix)
    width = root.attrib.pop("width").removesuffix("pt")
    root.attrib.pop("height")
    root.attrib |= {
        "role": "img",
        "aria-label": make_printable(title),
        "fill": "currentColor",
        "stroke-linejoin": "round",
        "style": f"max-width: {float(width) * 1.6:.0f}px",
    }
    if description:
        root.attrib["aria-describedby"] = f"{id_prefix}-description"
        root.insert(0, _element("desc", description, id=f"{id_prefix}-description"))
    root.insert(0, _element("title", title))
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def _element(tag: str, text: str, **attributes: str) -> ElementTree.Element:
    element = ElementTree.Element(tag, attributes)
    element.text = make_printable(text)
    return element


def _adapt_to_page(root: ElementTree.Element, id_prefix: str) -> None:
    """Give an SVG unique ids and the text color and font of the page; drop namespaces and style sheets."""
    text = ElementTree.tostring(root, encoding="unicode")
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', text))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith("}style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = dict(_page_attributes(element, used, id_prefix))
        element.tail = None
        if element.tag != "text":
            element.text = None
        elif re.fullmatch(r"[−-]?\d+\.\d+", element.text or ""):
            element.text = localize_numbers(element.text or "")


def _page_attributes(
    element: ElementTree.Element, referenced_ids: set[str], id_prefix: str
) -> list[tuple[str, str]]:
    pairs = []
    for key, value in element.attrib.items():
        plain = key.rpartition("}")[2]
        if plain == "id" and value not in referenced_ids:
            continue
        if plain == "id":
            value = f"{id_prefix}-{value}"
        if plain in ("href", "clip-path"):
            value = value.replace("#", f"#{id_prefix}-")
        if plain == "style":
            value = re.sub(r"\s*font-family:[^;]*;?", "", value).replace("#000000", "currentColor")
        pairs.append((plain, value))
    return pairs
