"""Archives: damaged ones, members that lead elsewhere, links, devices, and bombs."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
from pathlib import Path

from hostile.mutation import SECRET, mutate_bytes
from hostile.running import Attempt
from sentir.files import archives
from sentir.files.archives import find_archives, unpack

_NAMES = (
    "a/one.txt", "b.csv", "a/b/c.wav", f"../{SECRET}", "/tmp/evil", "a/../../evil", "C:/evil", "..\\evil", "",
    ".", "..", "a//b",
    "./x", "x/", "con", "a" * 300, "é/ñ", "\u202e", "a\0b", "inner.tar", "inner.tar.gz", "~/x",
    "a/" * 200 + "x", "-rf",
)  # fmt: skip
_KINDS = (tarfile.REGTYPE,) * 12 + (
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.FIFOTYPE,
    tarfile.DIRTYPE,
    b"S",
)
_MAX_UNPACKED = 100 * 10**6  # bytes that an archive of some kilobytes may become


def prepare(home: Path) -> Attempt:
    """Return an attempt at a hostile archive."""
    archives.sync_all_disks = lambda: None  # it waits for everything else that this machine writes
    bomb = gzip.compress(bytes(2 * 10**8), 1)  # from some hundred kilobytes
    header = tarfile.TarInfo("bomb.bin")
    header.size = 2 * 10**8
    bombs = [gzip.compress(header.tobuf()) + bomb, gzip.compress(bytes(10240)) + bomb]
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
        header.type = kind
        bombs.append(gzip.compress(header.tobuf()) + bomb)
    bombs.append(_zip_bomb())

    def attempt(rng: random.Random, folder: Path) -> str:
        content = _tar(rng) if rng.random() < 0.5 else _zip(rng)
        if rng.random() < 0.4:
            content = mutate_bytes(rng, content)
        elif rng.random() < 0.01:
            content = rng.choice(bombs)
        path = folder / rng.choice(("x.tar", "x.tar.gz", "x.zip"))
        path.write_bytes(content)
        find_archives(folder)
        try:
            unpack(path, folder / "out", only=rng.choice(((), (), (), ("one.txt", "b.csv"))))
        finally:
            unpacked = sum(
                one.stat().st_size for one in folder.rglob("*") if one.is_file() and not one.is_symlink()
            )
            assert unpacked < _MAX_UNPACKED, "a bomb"
            assert not any(one.is_symlink() for one in folder.rglob("*")), "a link"
        return "accepted"

    return attempt


def _tar(rng: random.Random, depth: int = 0) -> bytes:
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode=rng.choice(("w", "w:gz")), format=rng.randrange(3), errors="replace"
    ) as archive:
        for _member in range(rng.choice((1, 2, 5))):
            member = tarfile.TarInfo(rng.choice(_NAMES[:3]) if rng.random() < 0.6 else rng.choice(_NAMES))
            member.type, member.linkname = (
                rng.choice(_KINDS),
                rng.choice(("", f"../{SECRET}", "/etc/passwd", "a/one.txt")),
            )
            nested = member.name.startswith("inner") and depth < 3
            content = _tar(rng, depth + 1) if nested else rng.randbytes(rng.choice((0, 10, 5000)))
            member.size = len(content) if member.isreg() else 0
            try:
                archive.addfile(member, io.BytesIO(content))
            except ValueError:  # a name that this format does not hold
                continue
    return out.getvalue()


def _zip(rng: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        names = rng.sample(_NAMES, rng.choice((1, 2, 5))) if rng.random() < 0.5 else list(_NAMES[:3])
        for name in names:
            member = zipfile.ZipInfo(name or "x")
            member.external_attr = rng.choice((0, 0, 0o100644, 0o120777, 0o020666, 0o010666)) << 16
            content = _tar(rng, 2) if name.startswith("inner") else rng.randbytes(rng.choice((0, 10, 5000)))
            archive.writestr(member, content, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    return out.getvalue()


def _zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.bin", bytes(2 * 10**8))
    return out.getvalue()
