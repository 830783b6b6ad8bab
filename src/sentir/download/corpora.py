"""Downloading a corpus: first a plan (source, size, license, target), then the download."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from sentir.download import kaggle
from sentir.download.fetching import download_file, partial_size
from sentir.download.sources import DOWNLOADABLE_CORPORA, DownloadableCorpus, PublishedFile
from sentir.errors import DownloadError
from sentir.i18n import _, format_bytes
from sentir.paths import cache_dir, find_existing_folder

CONFIRM_BYTES = 10**9  # downloads of this size or more need confirmation


@dataclass(frozen=True, slots=True)
class Download:
    """The plan of a download: a corpus from one source.

    Attributes:
        name: a name in `DOWNLOADABLE_CORPORA`.
        source: ``kaggle`` or the source of an archive.
        url: of the archive, or of the data set's page on Kaggle.
        size_bytes: ``None`` if unknown.
        license: of the corpus, and Kaggle's statement if it differs; ``""`` if unknown.
        target: the file that is written, or the folder that the corpus is placed below.
        partial_bytes: bytes left by an interrupted download.
        free_bytes: free space on the disk of ``target``.
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
        """What is known of the corpus, whatever the source."""
        corpus: DownloadableCorpus = DOWNLOADABLE_CORPORA.get(self.name)
        return corpus

    @property
    def remote_file(self) -> PublishedFile | None:
        """The file to download; ``None`` from Kaggle."""
        return self.corpus.remote_files.get(self.source)

    @property
    def is_complete(self) -> bool:
        """Whether the complete file is there already; never known for Kaggle."""
        return (
            self.remote_file is not None
            and self.target.is_file()
            and self.target.stat().st_size == self.size_bytes
        )

    @property
    def needs_confirmation(self) -> bool:
        """Whether the user should be asked first: the size is large or unknown."""
        return not self.is_complete and (
            self.size_bytes is None or self.size_bytes - self.partial_bytes >= CONFIRM_BYTES
        )


def plan_download(name: str, *, source: str | None = None, out: Path | None = None) -> Download:
    """Look up a corpus, its metadata on Kaggle and the free disk space; nothing is downloaded.

    Args:
        name: a name in `DOWNLOADABLE_CORPORA`.
        source: by default ``kaggle``, if it is there.
        out: target folder; by default kagglehub's cache or Sentir's.

    Raises:
        UnknownNameError: if there is no such corpus.
        DownloadError: if it has no such source, Kaggle is not available, or there is too little disk space.
    """
    corpus: DownloadableCorpus = DOWNLOADABLE_CORPORA.get(name)
    source = source or corpus.source_names[0]
    if source not in corpus.source_names:
        similar = get_close_matches(source, corpus.source_names, n=1, cutoff=0.5)
        raise DownloadError(
            _(
                "'{name}' cannot be downloaded from '{source}'; {hint}known: {known}.",
                name=name,
                source=source,
                hint=_("did you mean {names}?", names=similar[0]) + " " if similar else "",
                known=", ".join(corpus.source_names),
            )
        )
    license = _(corpus.license) if corpus.license else ""
    size: int | None
    if source == "kaggle":
        size, kaggle_license = kaggle.get_metadata(corpus.kaggle_handle)
        if license and kaggle_license not in ("", license):
            license = _("{license} (on Kaggle: {kaggle})", license=license, kaggle=kaggle_license)
        license = license or kaggle_license
        url, target = f"https://www.kaggle.com/datasets/{corpus.kaggle_handle}", kaggle.cache_folder(out)
        num_partial = 0
    else:
        archive = corpus.remote_files[source]
        size, url = archive.size, archive.url
        target = (out or cache_dir() / "corpora" / name) / Path(url).name
        num_partial = partial_size(target)
    free = shutil.disk_usage(find_existing_folder(target)).free
    plan = Download(name, source, url, size, license, target, num_partial, free)
    _require_disk_space(plan)
    return plan


def download_corpus(plan: Download) -> Path:
    """Download a corpus, or the rest of it, and return its folder or file.

    Raises:
        DownloadError: if it cannot be downloaded, with a remedy.
    """
    if plan.remote_file is None:
        out = None if plan.target == kaggle.cache_folder(None) else plan.target
        return kaggle.download_dataset(plan.corpus.kaggle_handle, out)
    return download_file(plan.remote_file, plan.target)


def _require_disk_space(plan: Download) -> None:
    if plan.size_bytes is None or plan.is_complete:
        return
    if plan.remote_file:
        needed, folder = plan.size_bytes - plan.partial_bytes, plan.target.parent
    else:
        needed, folder = 2 * plan.size_bytes, plan.target  # kagglehub keeps the archive while unpacking it
    if needed > plan.free_bytes:
        raise DownloadError(
            _(
                "{folder} has {free} of free space and {needed} are needed; free some space, or give a folder on "
                "another disk with --out.",
                folder=folder,
                free=format_bytes(plan.free_bytes),
                needed=format_bytes(needed),
            )
        )
