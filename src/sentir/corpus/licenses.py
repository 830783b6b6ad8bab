"""Licenses of well-known corpora, and how the Hugging Face hub names these corpora and licenses.

The page that names each license is linked in ``docs/en/corpora.md``. Those of MESD, TESS and SAVEE are from a
list of speech corpora, https://superkogito.github.io/SER-datasets/; the hub's copy of GoEmotions says Apache 2.0,
its authors' repository CC BY 4.0.
"""

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
    "cremad": KnownCorpus(
        gettext_noop("Twelve sentences spoken by 91 actors, in English, with raters' votes."), "ODbL 1.0", "odbl"
    ),
    "emodb": KnownCorpus(
        gettext_noop("Ten sentences spoken by ten actors, in German."), gettext_noop("not stated"), language="de"
    ),
    "mesd": KnownCorpus(
        gettext_noop("Single words spoken by women, men and children, in Mexican Spanish."),
        "CC BY 4.0",
        "cc-by-4.0",
        language="es",
    ),
    "tess": KnownCorpus(
        gettext_noop("200 words spoken by two women, in English."), "CC BY-NC-ND 4.0", "cc-by-nc-nd-4.0"
    ),
    "savee": KnownCorpus(
        gettext_noop("Sentences spoken by four men, in English."),
        gettext_noop("research use"),
        license_link="http://kahlan.eps.surrey.ac.uk/savee/",
    ),
    "iemocap": KnownCorpus(
        gettext_noop("Scripted and improvised dialogues of ten actors, in English."),
        gettext_noop("research use"),
        license_link="https://sail.usc.edu/iemocap/iemocap_release.htm",
    ),
    "emorynlp": KnownCorpus(
        gettext_noop("Transcripts of the television series Friends, in English."), "Apache 2.0", "apache-2.0"
    ),
    "dailydialog": KnownCorpus(
        gettext_noop("Everyday dialogues written for learners of English."),
        "CC BY-NC-SA 4.0",
        "cc-by-nc-sa-4.0",
        dataset_id="li2017dailydialog/daily_dialog",
    ),
    "goemotions": KnownCorpus(gettext_noop("Comments on Reddit, in English."), "CC BY 4.0", "cc-by-4.0"),
    **{
        f"mmeld-{language}": KnownCorpus(
            gettext_noop("Dialogues of the television series Friends, with translated subtitles."),
            gettext_noop("not stated"),
            language=language,
        )
        for language in ("es", "fr", "el")
    },
}


def find_known_corpus(*names: str | None) -> KnownCorpus | None:
    """Return what is known of the corpus that has one of these names, such as those of its reader and table."""
    found = (KNOWN_CORPORA.get(name.casefold()) for name in names if name)
    return next(filter(None, found), None)
