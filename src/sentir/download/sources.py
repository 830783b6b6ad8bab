"""The corpora that can be downloaded, and what is known of each source before the download.

Size and SHA-256 of MELD's archive are those in several public projects that use either URL; the listing of the
authors' copy says 10.9 GB, GPL-3.0 (https://huggingface.co/datasets/declare-lab/MELD/tree/main). Size and license
of a data set on Kaggle are requested from Kaggle.
"""

from __future__ import annotations

from dataclasses import dataclass

from sentir.corpus.licenses import KNOWN_CORPORA
from sentir.i18n import gettext_noop
from sentir.registry import Registry


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file on a web server.

    Attributes:
        url: its last part is the name of the file.
        size: in bytes.
        sha256: of its content, in hexadecimal digits.
    """

    url: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DownloadableCorpus:
    """A corpus that can be downloaded.

    Attributes:
        title: translatable description.
        license: of the corpus, according to its authors; ``""`` if they name none.
        kaggle_handle: ``owner/name`` of the data set on Kaggle.
        remote_files: name of another source → its file.
        reader: name of its reader; ``None`` if it is read together with another corpus.
        note: translatable remark; ``""`` if there is none.
    """

    title: str
    license: str
    kaggle_handle: str
    remote_files: dict[str, RemoteFile]
    reader: str | None
    note: str = ""

    @property
    def source_names(self) -> tuple[str, ...]:
        """Names of its sources; the first one is the default."""
        return ("kaggle", *self.remote_files)


_MELD_FILE = "MELD.Raw.tar.gz"
_MELD_SIZE = 10_878_146_150
_MELD_SHA256 = "a56b4407d574195cbce470d86f9c9d72fcfea59b0e34502ecd4babee4a5c613e"

DOWNLOADABLE_CORPORA = Registry(
    gettext_noop("downloadable corpus"),
    {
        "meld": DownloadableCorpus(
            title=gettext_noop("MELD: utterances of the series Friends, their video clips and labels"),
            license=KNOWN_CORPORA["meld"].license,
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
            title=gettext_noop("CMU-MOSEI: segments of YouTube monologues, their audio and labels"),
            license=KNOWN_CORPORA["mosei"].license,
            kaggle_handle="gnurtqh/cmu-mosei",
            remote_files={},
            reader="mosei",
            note=gettext_noop("Some copies of its audio are incomplete; the audit lists what is missing."),
        ),
        "mosei-videos": DownloadableCorpus(
            title=gettext_noop("CMU-MOSEI: the audio of whole videos at 16 kHz, and labels"),
            license=KNOWN_CORPORA["mosei"].license,
            kaggle_handle="maunberg/cmu-mosei",
            remote_files={},
            reader="mosei",
        ),
        "thesis-spectrograms": DownloadableCorpus(
            title=gettext_noop("Spectrograms of MELD and CMU-MOSEI as used in the thesis (.npy)"),
            license="",
            kaggle_handle="mariaisabelglezschez/spectrograms",
            remote_files={},
            reader=None,
            note=gettext_noop(
                "Its 'meld_test' comes from official train clips, and its augmented copies must not be used in "
                "evaluation."
            ),
        ),
    },
)
