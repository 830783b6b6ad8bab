"""Helpers of test_cleaning.py."""

from hypothesis import strategies as st

FRAGMENTS = st.sampled_from(
    """don’t won't it's I’m y'all've no No NO, ( ) [ ] { uhh (umm) (stutter) {laugh} sp the of and film \x92 \x85
    â€™ â€œ &amp;lt; &nbsp; … — ´s peopleÕs isn\ufffdt ſ İ ß Σ ﬁ 😀 _ ' '' ; \u200b""".split()  # noqa: SIM905
)


TEXTS = st.text(max_size=40) | st.lists(FRAGMENTS, max_size=12).map(" ".join) | st.lists(FRAGMENTS).map("".join)
