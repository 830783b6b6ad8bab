"""Getting a corpus: what can be had, from where, how big it is and where it would lie; then fetching it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from sentir.download import kaggle
from sentir.download.fetching import arrived, bytes_text, fetch
from sentir.download.sources import OFFERED, Archive, Offered
from sentir.errors import DownloadError
from sentir.i18n import _
from sentir.paths import cache_dir

BIG = 10**9  # bytes from which a person is asked before


@dataclass(frozen=True, slots=True)
class Offer:
    """A corpus from one source, before anything is fetched.

    Attributes:
        name: as `OFFERED` has it.
        source: ``kaggle`` or the name of an archive's source.
        address: where a person can look at it.
        size: in bytes; ``None`` if nobody says.
        license: that of the corpus, and Kaggle's statement if it differs; ``""`` if nobody says.
        place: the file it becomes, or the folder below which it comes to lie.
        have: bytes of it that an interrupted download left.
        free: bytes that the disk of ``place`` has left.
    """

    name: str
    source: str
    address: str
    size: int | None
    license: str
    place: Path
    have: int
    free: int

    @property
    def corpus(self) -> Offered:
        """What is known of the corpus whatever the source."""
        offered: Offered = OFFERED.get(self.name)
        return offered

    @property
    def archive(self) -> Archive | None:
        """The file that is fetched; ``None`` from Kaggle."""
        return self.corpus.archives.get(self.source)

    @property
    def there(self) -> bool:
        """Whether the whole file lies there already; never known of Kaggle before it is asked."""
        return self.archive is not None and self.place.is_file() and self.place.stat().st_size == self.size

    @property
    def big(self) -> bool:
        """Whether a person should be asked before; so too if nobody knows how big it is."""
        return not self.there and (self.size is None or self.size - self.have >= BIG)


def offer_corpus(name: str, *, source: str | None = None, out: Path | None = None) -> Offer:
    """Look up a corpus and its source, ask Kaggle for what it knows, and look at the disk; nothing is fetched.

    Args:
        name: a corpus that can be had: ``meld``, ``mosei``, ``mosei-videos`` or ``thesis-spectrograms``.
        source: ``kaggle`` if not given.
        out: folder it goes to; if not given, kagglehub's cache or ours.

    Raises:
        UnknownNameError: if there is no such corpus.
        DownloadError: if it has no such source, Kaggle cannot be asked, or the disk has too little room.
    """
    offered: Offered = OFFERED.get(name)
    source = source or offered.sources[0]
    if source not in offered.sources:
        raise DownloadError(_no_source(name, source, offered))
    if source == "kaggle":
        size, license = kaggle.describe(offered.kaggle)
        license = _licenses(_(offered.license) if offered.license else "", license)
        address, place, have = f"https://www.kaggle.com/datasets/{offered.kaggle}", kaggle.cache(out), 0
    else:
        archive = offered.archives[source]
        place = (out or cache_dir() / "corpora" / name) / Path(archive.url).name
        size, license, address, have = archive.size, _(offered.license), archive.url, arrived(place)
    found = Offer(name, source, address, size, license, place, have, _free(place))
    _require_room(found)
    return found


def get_corpus(offer: Offer) -> Path:
    """Fetch what was offered, or the rest of it, and return the folder or file in which the corpus lies.

    Raises:
        DownloadError: if it cannot be fetched; the sentence says what to do.
    """
    if offer.archive is None:
        return kaggle.download(offer.corpus.kaggle, offer.place if offer.place != kaggle.cache(None) else None)
    return fetch(offer.archive, offer.place)


def _licenses(ours: str, theirs: str) -> str:
    if ours and theirs and ours != theirs:
        return _("{license} (on Kaggle: {theirs})", license=ours, theirs=theirs)
    return ours or theirs


def _no_source(name: str, source: str, offered: Offered) -> str:
    near = get_close_matches(source, offered.sources, n=1, cutoff=0.5)
    return _(
        "'{name}' cannot be had from '{source}'; {hint}known: {known}.",
        name=name,
        source=source,
        hint=_("did you mean {names}?", names=near[0]) + " " if near else "",
        known=", ".join(offered.sources),
    )


def _free(place: Path) -> int:
    """Return the free bytes of the disk on which a path that need not exist would lie."""
    existing = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    return shutil.disk_usage(existing).free


def _require_room(offer: Offer) -> None:
    if offer.size is None or offer.there:
        return
    needed = offer.size - offer.have if offer.archive else 2 * offer.size  # kagglehub unpacks before it deletes
    if needed > offer.free:
        raise DownloadError(
            _(
                "{place} has {free} free and {needed} are needed; make room, or name a folder on another disk "
                "with --out.",
                place=offer.place if offer.archive is None else offer.place.parent,
                free=bytes_text(offer.free),
                needed=bytes_text(needed),
            )
        )
