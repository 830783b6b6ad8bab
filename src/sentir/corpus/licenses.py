"""Licenses of well-known corpora, and how the Hugging Face hub names these corpora and licenses."""

from __future__ import annotations

from dataclasses import dataclass

from sentir.i18n import gettext_noop


@dataclass(frozen=True, slots=True)
class KnownCorpus:
    """What is known of a corpus by its name.

    Attributes:
        description: of its utterances; translatable.
        license: of the corpus, according to its authors; translatable.
        license_id: the hub's identifier of the license; ``other`` if it has none.
        license_link: page of a license that the hub has no identifier for.
        dataset_id: of the authors' copy on the hub; ``""`` if there is none.
        language: ISO 639-1 code.
    """

    description: str
    license: str
    license_id: str = "other"
    license_link: str = ""
    dataset_id: str = ""
    language: str = "en"


KNOWN_CORPORA = {
    "meld": KnownCorpus(
        gettext_noop("Dialogues of the television series Friends: scripted and acted, in English."),
        "GPL-3.0",
        "gpl-3.0",
        dataset_id="declare-lab/MELD",
    ),
    "mosei": KnownCorpus(
        gettext_noop("Segments of YouTube monologues, in English."),
        gettext_noop("research use"),
        license_link="http://multicomp.cs.cmu.edu/resources/cmu-mosei-dataset/",
    ),
    "ravdess": KnownCorpus(
        gettext_noop("Two sentences spoken by 24 actors, in English."), "CC BY-NC-SA 4.0", "cc-by-nc-sa-4.0"
    ),
}


def find_known_corpus(*names: str | None) -> KnownCorpus | None:
    """Return what is known of the corpus that has one of these names, such as those of its reader and table."""
    found = (KNOWN_CORPORA.get(name.casefold()) for name in names if name)
    return next(filter(None, found), None)
