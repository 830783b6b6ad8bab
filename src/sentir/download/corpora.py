"""Getting a corpus: what can be had, from where, how big it is and where it would lie; then fetching it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from sentir.download import kaggle
from sentir.download.fetching import download_file, format_bytes, partial_size
from sentir.download.sources import DOWNLOADABLE_CORPORA, DownloadableCorpus, RemoteFile
from sentir.errors import DownloadError
from sentir.i18n import _
from sentir.paths import cache_dir

CONFIRM_BYTES = 10**9  # bytes from which a person is asked before


@dataclass(frozen=True, slots=True)
class Download:
    """A corpus from one source, before anything is fetched.

    Attributes:
        name: as `OFFERED` has it.
        source: ``kaggle`` or the name of an archive's source.
        url: where a person can look at it.
        size_bytes: in bytes; ``None`` if nobody says.
        license: that of the corpus, and Kaggle's statement if it differs; ``""`` if nobody says.
        target: the file it becomes, or the folder below which it comes to lie.
        partial_bytes: bytes of it that an interrupted download left.
        free_bytes: bytes that the disk of ``place`` has left.
    """

    name: str
    source: str
    url: str
    size_bytes: int | None
    license: str
    target: Path
    partial_bytes: int
    free_bytes: int

    @property
    def corpus(self) -> DownloadableCorpus:
        """What is known of the corpus whatever the source."""
        offered: DownloadableCorpus = DOWNLOADABLE_CORPORA.get(self.name)
        return offered

    @property
    def remote_file(self) -> RemoteFile | None:
        """The file that is fetched; ``None`` from Kaggle."""
        return self.corpus.remote_files.get(self.source)

    @property
    def is_complete(self) -> bool:
        """Whether the whole file lies there already; never known of Kaggle before it is asked."""
        return (
            self.remote_file is not None
            and self.target.is_file()
            and self.target.stat().st_size == self.size_bytes
        )

    @property
    def needs_confirmation(self) -> bool:
        """Whether a person should be asked before; so too if nobody knows how big it is."""
        return not self.is_complete and (
            self.size_bytes is None or self.size_bytes - self.partial_bytes >= CONFIRM_BYTES
        )


def plan_download(name: str, *, source: str | None = None, out: Path | None = None) -> Download:
    """Look up a corpus and its source, ask Kaggle for what it knows, and look at the disk; nothing is fetched.

    Args:
        name: a corpus that can be had: ``meld``, ``mosei``, ``mosei-videos`` or ``thesis-spectrograms``.
        source: ``kaggle`` if not given.
        out: folder it goes to; if not given, kagglehub's cache or ours.

    Raises:
        UnknownNameError: if there is no such corpus.
        DownloadError: if it has no such source, Kaggle cannot be asked, or the disk has too little room.
    """
    offered: DownloadableCorpus = DOWNLOADABLE_CORPORA.get(name)
    source = source or offered.source_names[0]
    if source not in offered.source_names:
        raise DownloadError(_unknown_source_message(name, source, offered))
    if source == "kaggle":
        size, license = kaggle.get_metadata(offered.kaggle_handle)
        license = _join_licenses(_(offered.license) if offered.license else "", license)
        address, place, have = (
            f"https://www.kaggle.com/datasets/{offered.kaggle_handle}",
            kaggle.cache_folder(out),
            0,
        )
    else:
        archive = offered.remote_files[source]
        place = (out or cache_dir() / "corpora" / name) / Path(archive.url).name
        size, license, address, have = archive.size, _(offered.license), archive.url, partial_size(place)
    found = Download(name, source, address, size, license, place, have, _free_bytes(place))
    _require_disk_space(found)
    return found


def download_corpus(plan: Download) -> Path:
    """Fetch what was offered, or the rest of it, and return the folder or file in which the corpus lies.

    Raises:
        DownloadError: if it cannot be fetched; the sentence says what to do.
    """
    if plan.remote_file is None:
        return kaggle.download_dataset(
            plan.corpus.kaggle_handle, plan.target if plan.target != kaggle.cache_folder(None) else None
        )
    return download_file(plan.remote_file, plan.target)


def _join_licenses(authors: str, kaggle_license: str) -> str:
    if authors and kaggle_license and authors != kaggle_license:
        return _("{license} (on Kaggle: {theirs})", license=authors, theirs=kaggle_license)
    return authors or kaggle_license


def _unknown_source_message(name: str, source: str, corpus: DownloadableCorpus) -> str:
    near = get_close_matches(source, corpus.source_names, n=1, cutoff=0.5)
    return _(
        "'{name}' cannot be had from '{source}'; {hint}known: {known}.",
        name=name,
        source=source,
        hint=_("did you mean {names}?", names=near[0]) + " " if near else "",
        known=", ".join(corpus.source_names),
    )


def _free_bytes(path: Path) -> int:
    """Return the free bytes of the disk on which a path that need not exist would lie."""
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    return shutil.disk_usage(existing).free


def _require_disk_space(plan: Download) -> None:
    if plan.size_bytes is None or plan.is_complete:
        return
    needed = (
        plan.size_bytes - plan.partial_bytes if plan.remote_file else 2 * plan.size_bytes
    )  # kagglehub unpacks before it deletes
    if needed > plan.free_bytes:
        raise DownloadError(
            _(
                "{place} has {free} free and {needed} are needed; make room, or name a folder on another disk "
                "with --out.",
                place=plan.target if plan.remote_file is None else plan.target.parent,
                free=format_bytes(plan.free_bytes),
                needed=format_bytes(needed),
            )
        )
