"""Where the corpora can be had from, and what is known of each source before anything is fetched.

The size and the SHA-256 of MELD's archive stand in several public projects that fetched it from either address;
the listing of the authors' copy says 10.9 GB, GPL-3.0 (https://huggingface.co/datasets/declare-lab/MELD/tree/main).
The size and license of a data set on Kaggle are asked of Kaggle.
"""

from __future__ import annotations

from dataclasses import dataclass

from sentir.i18n import gettext_noop
from sentir.registry import Registry


@dataclass(frozen=True, slots=True)
class RemoteFile:
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
class DownloadableCorpus:
    """A corpus that can be had.

    Attributes:
        title: what it is, to translate.
        license: of the corpus, as its authors say; ``""`` if they name none.
        kaggle_handle: ``owner/name`` of the data set on Kaggle.
        remote_files: name of another source → the file that is fetched from there.
        reader: what reads it; ``None`` if it is read along with another corpus.
        note: what one should know of it, to translate; ``""`` if nothing.
    """

    title: str
    license: str
    kaggle_handle: str
    remote_files: dict[str, RemoteFile]
    reader: str | None
    note: str = ""

    @property
    def source_names(self) -> tuple[str, ...]:
        """Names of its sources; the first one is used if none is named."""
        return ("kaggle", *self.remote_files)


_MELD_FILE = "MELD.Raw.tar.gz"
_MELD_SIZE = 10_878_146_150
_MELD_SHA256 = "a56b4407d574195cbce470d86f9c9d72fcfea59b0e34502ecd4babee4a5c613e"

DOWNLOADABLE_CORPORA = Registry(
    gettext_noop("corpus to get"),
    {
        "meld": DownloadableCorpus(
            title=gettext_noop("MELD: utterances of the series Friends, their video clips and labels"),
            license="GPL-3.0",
            kaggle_handle="zaber666/meld-dataset",
            remote_files={
                source: RemoteFile(f"{folder}/{_MELD_FILE}", _MELD_SIZE, _MELD_SHA256)
                for source, folder in (
                    ("original", "http://web.eecs.umich.edu/~mihalcea/downloads"),
                    ("huggingface", "https://huggingface.co/datasets/declare-lab/MELD/resolve/main"),
                )
            },
            reader="meld",
        ),
        "mosei": DownloadableCorpus(
            title=gettext_noop("CMU-MOSEI: segments of YouTube monologues, their sound and labels"),
            license=gettext_noop("research use"),
            kaggle_handle="gnurtqh/cmu-mosei",
            remote_files={},
            reader="mosei",
            note=gettext_noop("Some copies of its sound are partial; the audit lists what is missing."),
        ),
        "mosei-videos": DownloadableCorpus(
            title=gettext_noop("CMU-MOSEI: the sound of whole videos at 16 kHz, and labels"),
            license=gettext_noop("research use"),
            kaggle_handle="maunberg/cmu-mosei",
            remote_files={},
            reader="mosei",
        ),
        "thesis-spectrograms": DownloadableCorpus(
            title=gettext_noop("Spectrograms of MELD and CMU-MOSEI as the thesis made them (.npy)"),
            license="",
            kaggle_handle="mariaisabelglezschez/spectrograms",
            remote_files={},
            reader=None,
            note=gettext_noop(
                "Its 'meld_test' is cut from official train clips, and its augmented copies must stay out of "
                "evaluation."
            ),
        ),
    },
)
