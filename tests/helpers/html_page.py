"""Helpers of test_report_html.py."""

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "img"}


LINKS = ("href", "src", "srcset", "data", "poster", "action", "xlink:href")


class Page(HTMLParser):
    """Collects tags, links and texts of a page, and fails on tags that do not nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self.links += [attributes[key] for key in LINKS if key in attributes]
        for value in attributes.values():
            self.links += re.findall(r"url\(([^)]+)\)", value or "")
        if tag not in VOID:
            self.open.append((tag, attributes))

    def handle_endtag(self, tag):
        assert self.open[-1][0] == tag, f"</{tag}> closes <{self.open[-1][0]}>"
        self.open.pop()

    def handle_data(self, data):
        inside = [tag for tag, _attributes in self.open]
        if data.strip() and "main" in inside:
            language = next(attributes["lang"] for tag, attributes in self.open if tag == "main")
            self.texts.append((language, inside, re.sub(r"[ \n]+", " ", data).strip()))

    def text(self, language="en"):
        """Return the text of the page, without the table of contents."""
        return " ".join(text for where, inside, text in self.texts if where == language and "nav" not in inside)

    def ids(self):
        return [attributes["id"] for _tag, attributes in self.tags if "id" in attributes]
