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
class PublishedFile:
    """A file on a web server, of which size and content are known.

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
        kaggle_handle: ``owner/name`` of the data set on Kaggle; ``""`` if there is none.
        remote_files: name of another source → its file.
        reader: name of its reader; ``None`` if it is read together with another corpus.
        note: translatable remark; ``""`` if there is none.
    """

    title: str
    license: str
    kaggle_handle: str
    remote_files: dict[str, PublishedFile]
    reader: str | None
    note: str = ""

    @property
    def source_names(self) -> tuple[str, ...]:
        """Names of its sources; the first one is the default."""
        return (*(("kaggle",) if self.kaggle_handle else ()), *self.remote_files)


_MELD_FILE = "MELD.Raw.tar.gz"
_MELD_SIZE = 10_878_146_150
_MELD_SHA256 = "a56b4407d574195cbce470d86f9c9d72fcfea59b0e34502ecd4babee4a5c613e"

# M-MELD's archive in its authors' repository, at the one commit that has it.
_MMELD = (
    "https://raw.githubusercontent.com/Sreyan88/M-MELD/e4f979f8498c2611a88d56d325b341894708b5df/mmeld_data.zip"
)
_MMELD_SIZE = 1_901_728
_MMELD_SHA256 = "4cebf3d5e18071c30dd7a0faf970408bc1838ec78e579129afeebe091056c365"

# Corpora of clips on Kaggle: name → title, data set and note. EmoBox links to those of RAVDESS, EmoDB and SAVEE.
_CLIPS = {
    "ravdess": (
        gettext_noop("RAVDESS: speech of 24 actors"),
        "uwrfkaggler/ravdess-emotional-speech-audio",
        gettext_noop("It may have a second copy of every clip; only one is read."),
    ),
    "cremad": (
        gettext_noop("CREMA-D: speech of 91 actors"),
        "ejlok1/cremad",
        gettext_noop(
            "The raters' votes are not in it: processedResults/tabulatedVotes.csv of the authors' repository."
        ),
    ),
    "emodb": (
        gettext_noop("EmoDB: German speech of ten actors"),
        "piyushagni5/berlin-database-of-emotional-speech-emodb",
        "",
    ),
    "mesd": (
        gettext_noop("MESD: words of Mexican Spanish"),
        "saurabhshahane/mexican-emotional-speech-database-mesd",
        "",
    ),
    "tess": (
        gettext_noop("TESS: words by two women"),
        "ejlok1/toronto-emotional-speech-set-tess",
        gettext_noop("It may have a second copy of every clip; only one is read."),
    ),
    "savee": (
        gettext_noop("SAVEE: speech of four men"),
        "ejlok1/surrey-audiovisual-expressed-emotion-savee",
        "",
    ),
}

DOWNLOADABLE_CORPORA = Registry(
    gettext_noop("downloadable corpus"),
    {
        "meld": DownloadableCorpus(
            title=gettext_noop("MELD: utterances of the series Friends, their video clips and labels"),
            license=KNOWN_CORPORA["meld"].license,
            kaggle_handle="zaber666/meld-dataset",
            remote_files={
                source: PublishedFile(f"{folder}/{_MELD_FILE}", _MELD_SIZE, _MELD_SHA256)
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
        **{
            name: DownloadableCorpus(title, KNOWN_CORPORA[name].license, handle, {}, name, note)
            for name, (title, handle, note) in _CLIPS.items()
        },
        "mmeld": DownloadableCorpus(
            title=gettext_noop("M-MELD: MELD's dialogues with subtitles in Spanish, French and Greek"),
            license=KNOWN_CORPORA["mmeld-es"].license,
            kaggle_handle="",
            remote_files={"original": PublishedFile(_MMELD, _MMELD_SIZE, _MMELD_SHA256)},
            reader="mmeld",
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
