"""One file from a web server that breaks off, refuses, ignores what it is asked, or sends something else."""

import errno
import hashlib
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_server import Served, serving

from sentir.download import fetching
from sentir.download.fetching import download_file, format_bytes, partial_path, partial_size
from sentir.download.sources import RemoteFile
from sentir.errors import DownloadError

CONTENT = bytes(range(256)) * 4_000  # about a megabyte


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(fetching, "RETRY_DELAYS", (0.0, 0.0))
    monkeypatch.setattr(fetching, "READ_TIMEOUT", 0.5)


@pytest.fixture
def served():
    with serving(Served(CONTENT)) as server:
        yield server


def archive(served, content=CONTENT):
    return RemoteFile(served.url, len(content), hashlib.sha256(content).hexdigest())


def test_a_file_arrives_whole_and_is_not_fetched_again(served, tmp_path):
    target = tmp_path / "deep" / "corpus.tar.gz"
    assert download_file(archive(served), target) == target and target.read_bytes() == CONTENT
    download_file(archive(served), target)
    assert served.asked == [None] and not partial_path(target).exists()


@given(cuts=st.lists(st.integers(0, 400_000), max_size=5), there=st.integers(0, len(CONTENT)))
@settings(max_examples=15)
def test_wherever_a_connection_breaks_the_file_is_the_same(cuts, there, tmp_path_factory):
    target = tmp_path_factory.mktemp("got") / "corpus.tar.gz"
    partial_path(target).write_bytes(CONTENT[:there])
    empty = sum(cut == 0 for cut in cuts)
    with serving(Served(CONTENT, cuts=list(cuts) if empty < 3 else [])) as served:
        download_file(archive(served), target)
    assert target.read_bytes() == CONTENT


def test_only_what_is_missing_is_asked_for(served, tmp_path):
    target = tmp_path / "corpus.tar.gz"
    partial_path(target).write_bytes(CONTENT[:1000])
    served.cuts = [500]
    download_file(archive(served), target)
    assert served.asked == ["bytes=1000-", "bytes=1500-"] and target.read_bytes() == CONTENT


def test_a_server_that_sends_all_instead_of_the_rest_is_begun_again(served, tmp_path):
    target = tmp_path / "corpus.tar.gz"
    partial_path(target).write_bytes(CONTENT[:1000])
    served.ranges = False
    download_file(archive(served), target)
    assert target.read_bytes() == CONTENT


def test_a_server_that_cannot_resume_and_always_breaks_is_given_up(served, tmp_path):
    served.ranges, served.cuts = False, [1000] * 9
    with pytest.raises(DownloadError, match=r"stopped after 1\.0 kB of 1\.0 MB .*goes on from there"):
        download_file(archive(served), tmp_path / "corpus.tar.gz")
    assert partial_size(tmp_path / "corpus.tar.gz") == 1000


def test_a_broken_connection_keeps_what_came(served, tmp_path):
    target = tmp_path / "corpus.tar.gz"
    served.cuts, served.says_size = [1000, 0, 0, 0, 0], False
    with pytest.raises(DownloadError, match="run the same command again"):
        download_file(archive(served), target)
    assert partial_path(target).read_bytes() == CONTENT[:1000]
    served.cuts = []
    assert download_file(archive(served), target).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("codes", "complaint"),
    [
        ([403], r"refuses the download \(403 Forbidden\)"),
        ([404], r"no longer there \(404\)"),
        ([503] * 9, r"cannot be reached \(it answers 503\)"),
        ([416], "is not the file"),
    ],
)
def test_a_refusal_is_a_sentence(served, tmp_path, codes, complaint):
    served.codes = codes
    with pytest.raises(DownloadError, match=complaint):
        download_file(archive(served), tmp_path / "corpus.tar.gz")
    assert not list(tmp_path.iterdir())


def test_a_busy_server_is_asked_again(served, tmp_path):
    served.codes = [503, 429]
    assert download_file(archive(served), tmp_path / "corpus.tar.gz").read_bytes() == CONTENT


@pytest.mark.parametrize("says_size", [True, False])
def test_a_longer_file_is_refused(served, tmp_path, says_size):
    served.says_size = says_size
    with pytest.raises(DownloadError, match="is not the file that was published, which has"):
        download_file(archive(served, CONTENT[:-1]), tmp_path / "corpus.tar.gz")
    assert not list(tmp_path.iterdir())


def test_a_changed_file_is_refused_and_deleted(served, tmp_path):
    with pytest.raises(DownloadError, match="not the file that was published"):
        download_file(archive(served, CONTENT[::-1]), tmp_path / "corpus.tar.gz")
    assert not list(tmp_path.iterdir())


def test_a_part_that_is_too_long_is_begun_again(served, tmp_path):
    target = tmp_path / "corpus.tar.gz"
    partial_path(target).write_bytes(CONTENT + b"more")
    assert download_file(archive(served), target).read_bytes() == CONTENT


def test_without_network_the_server_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DownloadError, match=f"{place} cannot be reached .Connection refused"):
            download_file(RemoteFile(f"http://{place}/a.tar.gz", 10, ""), tmp_path / "a.tar.gz")


def test_a_server_that_falls_silent_is_given_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.tar.gz"
        with pytest.raises(DownloadError, match=r"no answer for 0\.5 seconds"):
            download_file(RemoteFile(url, 10, ""), tmp_path / "a.tar.gz")


def test_a_full_disk_is_a_sentence_and_keeps_what_came(served, tmp_path, monkeypatch):
    def full(answer):
        yield CONTENT[:1000]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetching, "_iter_chunks", full)
    with pytest.raises(DownloadError, match=r"disk of .* is full; make room"):
        download_file(archive(served), tmp_path / "corpus.tar.gz")
    assert partial_size(tmp_path / "corpus.tar.gz") == 1000


def test_a_folder_that_cannot_be_written_is_named(served, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DownloadError, match="cannot be written"):
        download_file(archive(served), tmp_path / "file" / "corpus.tar.gz")


def test_an_interrupt_keeps_what_came(served, tmp_path, monkeypatch):
    chunks = fetching._iter_chunks

    def interrupted(answer):
        yield next(chunks(answer))
        raise KeyboardInterrupt

    monkeypatch.setattr(fetching, "_iter_chunks", interrupted)
    target = tmp_path / "corpus.tar.gz"
    with pytest.raises(KeyboardInterrupt):
        download_file(archive(served), target)
    assert 0 < partial_size(target) < len(CONTENT)
    monkeypatch.setattr(fetching, "_iter_chunks", chunks)
    assert download_file(archive(served), target).read_bytes() == CONTENT
    assert served.asked[1].startswith("bytes=") and threading.active_count() < 20


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1_000, "1.0 kB"), (10_878_146_150, "10.9 GB")])
def test_sizes_are_written_as_people_do(size, text):
    assert format_bytes(size) == text
