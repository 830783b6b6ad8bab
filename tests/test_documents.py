"""Documents as Markdown, with all syntax in texts escaped."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sentir.documents import CodeBlock, Document, DocumentSection, ListBlock, TableBlock, escape_markdown


def test_a_document_is_headings_paragraphs_lists_tables_and_code():
    table = TableBlock(("label", "n"), (("joy", "3"), ("my|label", "4")))
    parts = (
        DocumentSection("Some", ("a *word*", ListBlock(("one", "- two")), table)),
        DocumentSection("In it", (CodeBlock("x = 1", "toml"),), 3),
    )
    assert Document("A <title>", parts).to_markdown() == (
        "# A \\<title\\>\n\n## Some\n\na \\*word\\*\n\n- one\n- \\- two\n\n"
        "| label | n |\n| --- | --: |\n| joy | 3 |\n| my\\|label | 4 |\n\n### In it\n\n```toml\nx = 1\n```\n"
    )


def test_code_with_a_fence_gets_a_longer_fence():
    assert "````\n```\n````" in Document("t", (DocumentSection("p", (CodeBlock("```"),)),)).to_markdown()


def test_starts_of_lists_and_headings_are_escaped():
    assert [escape_markdown(t) for t in ("1. May", "- a", "## b", "---", "-0.3", "0.5 of", "12%")] == [
        "1\\. May",
        "\\- a",
        "\\## b",
        "\\---",
        "-0.3",
        "0.5 of",
        "12%",
    ]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_escaped_text_is_one_line_and_can_be_unescaped(text):
    found = escape_markdown(text)
    assert "\n" not in found
    plain = "".join(c for n, c in enumerate(found) if not (c == "\\" and not _is_escaped(found, n)))
    assert plain == " ".join(text.split())


def _is_escaped(text, index):
    before = text[:index]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1
