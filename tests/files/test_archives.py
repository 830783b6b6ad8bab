"""Archives are unpacked once, completely or not at all, and never outside their folder."""

import gzip
import io
import os
import random
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
from meld_trees import pack, zipped

from sentir.errors import CorpusError
from sentir.files import archive_members, archives
from sentir.files.archives import ensure_unpacked, find_archives, unpack
from sentir.paths import cache_dir

FILES = {"a/one.txt": b"one" * 1000, "a/b/two.bin": random.Random(0).randbytes(5000), "three.csv": b"x,y\n"}


NESTED = pack({"top/inner.tar.gz": pack({"a/one.txt": FILES["a/one.txt"]}), "top/three.csv": FILES["three.csv"]})
KINDS = {
    "plain.tar": pack(FILES, "w"),
    "packed.tar.gz": pack(FILES),
    "packed.TGZ": pack(FILES),
    "packed.zip": zipped(FILES),
    "gunzipped by the browser.tar.gz": pack(FILES, "w"),
}


def save(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def left_behind(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


@pytest.mark.parametrize(("name", "content"), KINDS.items(), ids=KINDS)
def test_every_format_is_unpacked_byte_by_byte_and_leaves_nothing_else(tmp_path, name, content):
    archive = save(tmp_path / name, content)
    files = unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == FILES
    assert files == sorted(tmp_path / "out" / name for name in FILES)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "out"])


def test_a_nested_archive_is_unpacked_in_place(tmp_path):
    unpack(save(tmp_path / "x.tar.gz", NESTED), tmp_path / "out")
    assert contents(tmp_path / "out") == {"top/a/one.txt": FILES["a/one.txt"], "top/three.csv": b"x,y\n"}


def test_an_existing_folder_is_complete_and_its_archive_is_not_opened(tmp_path):
    (tmp_path / "out").mkdir()
    save(tmp_path / "out" / "mine.txt", b"mine")
    assert unpack(save(tmp_path / "x.zip", b"not an archive"), tmp_path / "out") == [
        tmp_path / "out" / "mine.txt"
    ]


def test_reading_stops_after_the_last_of_the_selected_files(tmp_path):
    content = pack({"early.csv": b"1", "late.mp4": bytes(100_000)}, "w")
    archive = save(tmp_path / "x.tar", content[:2048])
    unpack(archive, tmp_path / "out", only=["early.csv"])
    assert contents(tmp_path / "out") == {"early.csv": b"1"}


def test_archives_are_unpacked_next_to_themselves_and_selected_files_to_the_cache(tmp_path):
    archive = save(tmp_path / "MELD.Raw.tar.gz", pack(FILES))
    selected = ensure_unpacked(archive, only=["three.csv"])
    assert selected.is_relative_to(cache_dir()) and set(contents(selected)) == {"three.csv"}
    assert ensure_unpacked(archive) == ensure_unpacked(archive) == tmp_path / "MELD.Raw.unpacked"
    assert contents(tmp_path / "MELD.Raw.unpacked") == FILES


def test_a_new_archive_of_the_same_name_is_unpacked_again(tmp_path):
    archive = save(tmp_path / "x.tar.gz", pack({"a.csv": b"old"}))
    ensure_unpacked(archive, only=["a.csv"])
    save(archive, pack({"a.csv": b"newer"}))
    assert contents(ensure_unpacked(archive, only=["a.csv"])) == {"a.csv": b"newer"}


def test_archives_are_found_nearest_first_without_hidden_files(tmp_path):
    for name in (
        "b.zip",
        "a.tar.gz",
        "deep/c.tgz",
        "._a.tar.gz",
        ".hidden/d.tar",
        "notes.txt",
        "train_splits/e.zip",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_archives(tmp_path)]
    assert found == ["a.tar.gz", "b.zip", "deep/c.tgz"]
    assert find_archives(tmp_path / "b.zip") == [tmp_path / "b.zip"]
    assert find_archives(tmp_path / "notes.txt") == find_archives(tmp_path / "nothing") == []


@pytest.mark.parametrize("kind", ["plain.tar", "packed.tar.gz", "packed.zip", "nested.tar.gz"])
def test_a_damaged_archive_raises_or_is_harmless_and_leaves_nothing(tmp_path, kind):
    content = NESTED if kind.startswith("nested") else KINDS[kind]
    archive, rng, num_errors = tmp_path / kind, random.Random(kind), 0
    unpack(save(archive, content), tmp_path / "whole")
    expected = contents(tmp_path / "whole")
    for n in range(60):
        damaged = bytearray(content)
        if n % 2:
            del damaged[rng.randrange(len(damaged)) :]
        else:
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        save(archive, bytes(damaged))
        out = tmp_path / f"out{n}"
        try:
            unpack(archive, out)
        except CorpusError as error:
            num_errors += 1
            assert kind in str(error) and not out.exists()
        else:
            files = contents(out)
            # a bit of a plain tar's content, or of a name, has no checksum; nothing is ever missing
            assert len(files) == len(expected) and (kind == "plain.tar" or n % 2 == 0 or files == expected)
        assert left_behind(tmp_path) == []
    assert num_errors >= (10 if kind == "plain.tar" else 30)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>Too many requests</html>" * 50, b"\x1f\x8b", b"PK\3\4", b"PK\5\6" + bytes(18), bytes(10_240)],
    ids=["empty", "page", "gzip", "zip", "empty zip", "zeros"],
)
def test_a_file_that_is_not_an_archive_raises_one_sentence_or_is_empty(tmp_path, content):
    archive = save(tmp_path / "MELD.Raw.tar.gz", content)
    try:
        assert unpack(archive, tmp_path / "out") == []
    except CorpusError as error:
        assert "damaged or incomplete" in str(error) and "download it again" in str(error)
        assert not (tmp_path / "out").exists()


def hostile(name, kind=tarfile.REGTYPE, target=""):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        archive.addfile(member)
    return out.getvalue()


HOSTILE = {
    "above": hostile("../../evil"),
    "inside and above": hostile("a/../../evil"),
    "absolute": hostile("/tmp/evil"),
    "drive": hostile("C:/evil"),
    "backslashes": hostile("..\\..\\evil"),
    "symbolic link": hostile("link", tarfile.SYMTYPE, "/etc/passwd"),
    "hard link": hostile("link", tarfile.LNKTYPE, "../evil"),
    "device": hostile("device", tarfile.CHRTYPE),
    "pipe": hostile("pipe", tarfile.FIFOTYPE),
    "zip above": zipped({"../../evil": b"x"}),
    "zip absolute": zipped({"/tmp/evil": b"x"}),
    "nested above": pack({"a/b.tar": hostile("../evil")}),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_nothing_is_written_outside_the_folder_and_no_link_or_device_is_created(tmp_path, content):
    folder = tmp_path / "deep" / "folder"
    folder.mkdir(parents=True)
    archive = save(folder / "x.tar", content)
    with pytest.raises(CorpusError, match=r"was not unpacked, because .* unpack it yourself if you trust it"):
        unpack(archive, folder / "out")
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == [archive]
    assert left_behind(folder) == []


def test_a_link_in_a_zip_is_rejected(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        member = zipfile.ZipInfo("link")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(CorpusError, match="not a regular file"):
        unpack(save(tmp_path / "x.zip", out.getvalue()), tmp_path / "out")


@pytest.mark.parametrize("kind", ["plain.tar", "packed.tar.gz", "packed.zip"])
def test_an_interrupted_run_is_resumed_and_not_taken_for_complete(tmp_path, kind, monkeypatch):
    archive, write, written = save(tmp_path / kind, KINDS[kind]), archives.shutil.copyfileobj, []

    def interrupted_at_the_second(source, target, length):
        written.append(target.name)
        if len(written) == 2:
            target.write(b"half")
            raise KeyboardInterrupt
        write(source, target, length)

    monkeypatch.setattr(archives.shutil, "copyfileobj", interrupted_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists() and len(left_behind(tmp_path)) == 1
    unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == FILES and left_behind(tmp_path) == []
    assert len(written) == 1 + len(FILES)  # the first file was not written again


def test_leftovers_of_another_archive_of_that_name_are_removed(tmp_path):
    archive = save(tmp_path / "x.tar", KINDS["plain.tar"])
    (tmp_path / ".out.0123456789abcdef.part").mkdir()
    unpack(archive, tmp_path / "out")
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("kind", ["plain.tar", "packed.zip"])
def test_a_full_disk_raises_before_anything_is_written(tmp_path, kind, monkeypatch):
    archive = save(tmp_path / kind, KINDS[kind])
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": 1000}))
    with pytest.raises(
        CorpusError, match=r"needs \S+ kB more on its disk, which has 1\.0 kB free; free some space"
    ):
        unpack(archive, tmp_path / "out")
    assert not list(tmp_path.rglob("*.txt"))


def test_a_folder_that_cannot_be_written_is_named_in_the_error(tmp_path):
    save(tmp_path / "file", b"")
    archive = save(tmp_path / "x.tar", KINDS["plain.tar"])
    with pytest.raises(CorpusError, match="cannot be unpacked into"):
        unpack(archive, tmp_path / "file" / "out")


def test_a_faster_concurrent_process_is_not_an_error(tmp_path, monkeypatch):
    archive = save(tmp_path / "x.tar", KINDS["plain.tar"])
    replace = os.replace

    def too_late(source, target):
        if Path(target).name == "out" and not Path(target).exists():
            Path(target).mkdir()
            save(Path(target) / "theirs", b"")
        replace(source, target)

    monkeypatch.setattr(archives.os, "replace", too_late)
    assert unpack(archive, tmp_path / "out") == [tmp_path / "out" / "theirs"]
    assert left_behind(tmp_path) == []


def test_a_file_without_a_name_is_not_written(tmp_path):
    archive = save(tmp_path / "x.tar", pack({".": b"hi"}, "w"))
    with pytest.raises(CorpusError, match=r"contains '\.', which is not a regular file"):
        unpack(archive, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["x.tar"]


def bomb(kind, size):
    """A gzipped tar of some kilobytes whose member, header or rest takes ``size`` bytes."""
    member = tarfile.TarInfo("bomb.bin")
    member.type, member.size = kind or tarfile.REGTYPE, size if kind is not None else 0
    return gzip.compress(member.tobuf() + bytes(10_240 if kind is None else 0) + bytes(size), 1)


def zip_bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.bin", bytes(3 * 10**7))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bomb(tarfile.REGTYPE, 3 * 10**7), "bomb.bin', which is beyond 100 times the size of the archive"),
        (bomb(tarfile.XHDTYPE, 3 * 10**7), "a header of 30000000 bytes"),
        (bomb(tarfile.GNUTYPE_LONGNAME, 3 * 10**7), "a header of 30000000 bytes"),
        (bomb(None, 3 * 10**7), "it goes on after its end"),
        (zip_bomb(), "bomb.bin', which is beyond 100 times the size of the archive"),
        (pack({"a.tar.gz": bomb(tarfile.REGTYPE, 3 * 10**7)}), "beyond 100 times the size of the archive"),
    ],
    ids=["tar", "extended header", "long name", "rest", "zip", "nested"],
)
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, content, reason, monkeypatch):
    monkeypatch.setattr(archive_members.UnpackingLimits.__init__, "__defaults__", (10**7,))
    monkeypatch.setattr(archive_members.check_unpacked_size, "__defaults__", (10**7,))
    archive, written = save(tmp_path / "x.tar.gz", content), []
    monkeypatch.setattr(archives, "_write", lambda path, size, content: written.append(size))
    with pytest.raises(CorpusError, match=re.escape(reason)):
        unpack(archive, tmp_path / "out")
    assert sum(written) == 0 and left_behind(tmp_path) == [] and not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["plain.tar", "packed.zip"])
@pytest.mark.parametrize(("limit", "value"), [("MAX_MEMBERS", 2), ("MAX_BYTES", 6000)])
def test_members_and_their_total_have_limits(tmp_path, kind, limit, value, monkeypatch):
    monkeypatch.setattr(archive_members, limit, value)
    with pytest.raises(CorpusError, match=r"contains '.*', which is beyond the limit of"):
        unpack(save(tmp_path / kind, KINDS[kind]), tmp_path / "out")
    assert left_behind(tmp_path) == [] and not (tmp_path / "out").exists()
