"""Where the corpora can be had from, and what is known of each source before anything is fetched.

The size and the SHA-256 of MELD's archive stand in several public projects that fetched it from either address;
the listing of the authors' copy says 10.9 GB, GPL-3.0 (https://huggingface.co/datasets/declare-lab/MELD/tree/main).
The size and license of a data set on Kaggle are asked of Kaggle.
"""

from __future__ import annotations

from dataclasses import dataclass

from sentir.i18n import mark
from sentir.registry import Registry


@dataclass(frozen=True, slots=True)
class Archive:
    """One file on a web server.

    Attributes:
        url: its address; the last part is the name it gets.
        size: in bytes.
        sha256: of its content, in hexadecimal digits.
    """

    url: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Offered:
    """A corpus that can be had.

    Attributes:
        title: what it is, to translate.
        license: of the corpus, as its authors say; ``""`` if they name none.
        kaggle: ``owner/name`` of the data set on Kaggle.
        archives: name of another source → the file that is fetched from there.
        reader: what reads it; ``None`` if it is read along with another corpus.
        note: what one should know of it, to translate; ``""`` if nothing.
    """

    title: str
    license: str
    kaggle: str
    archives: dict[str, Archive]
    reader: str | None
    note: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of its sources; the first one is used if none is named."""
        return ("kaggle", *self.archives)


_MELD_FILE = "MELD.Raw.tar.gz"
_MELD_SIZE = 10_878_146_150
_MELD_SHA256 = "a56b4407d574195cbce470d86f9c9d72fcfea59b0e34502ecd4babee4a5c613e"

OFFERED = Registry(
    mark("corpus to get"),
    {
        "meld": Offered(
            title=mark("MELD: utterances of the series Friends, their video clips and labels"),
            license="GPL-3.0",
            kaggle="zaber666/meld-dataset",
            archives={
                source: Archive(f"{folder}/{_MELD_FILE}", _MELD_SIZE, _MELD_SHA256)
                for source, folder in (
                    ("original", "http://web.eecs.umich.edu/~mihalcea/downloads"),
                    ("huggingface", "https://huggingface.co/datasets/declare-lab/MELD/resolve/main"),
                )
            },
            reader="meld",
        ),
        "mosei": Offered(
            title=mark("CMU-MOSEI: segments of YouTube monologues, their sound and labels"),
            license=mark("research use"),
            kaggle="gnurtqh/cmu-mosei",
            archives={},
            reader="mosei",
            note=mark("Some copies of its sound are partial; the audit lists what is missing."),
        ),
        "mosei-videos": Offered(
            title=mark("CMU-MOSEI: the sound of whole videos at 16 kHz, and labels"),
            license=mark("research use"),
            kaggle="maunberg/cmu-mosei",
            archives={},
            reader="mosei",
        ),
        "thesis-spectrograms": Offered(
            title=mark("Spectrograms of MELD and CMU-MOSEI as the thesis made them (.npy)"),
            license="",
            kaggle="mariaisabelglezschez/spectrograms",
            archives={},
            reader=None,
            note=mark(
                "Its 'meld_test' is cut from official train clips, and its augmented copies must stay out of "
                "evaluation."
            ),
        ),
    },
)
