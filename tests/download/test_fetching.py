"""Downloading a file from a server that loses connections, denies access, ignores ranges, or sends another."""

import errno
import hashlib
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_server import Served, serving

from sentir.download import fetching
from sentir.download.fetching import download_file, partial_path, partial_size
from sentir.download.sources import PublishedFile
from sentir.errors import DownloadError

CONTENT = bytes(range(256)) * 4_000  # about a megabyte


@pytest.fixture(autouse=True)
def no_delays(monkeypatch):
    monkeypatch.setattr(fetching, "RETRY_DELAYS", (0.0, 0.0))
    monkeypatch.setattr(fetching, "READ_TIMEOUT", 0.5)


@pytest.fixture
def served():
    with serving(Served(CONTENT)) as server:
        yield server


def archive(served, content=CONTENT):
    return PublishedFile(served.url, len(content), hashlib.sha256(content).hexdigest())


def test_a_complete_file_is_not_downloaded_again(served, tmp_path):
    target = tmp_path / "deep" / "corpus.tar.gz"
    assert download_file(archive(served), target) == target and target.read_bytes() == CONTENT
    download_file(archive(served), target)
    assert served.requested_ranges == [None] and not partial_path(target).exists()


@given(cuts=st.lists(st.integers(0, 400_000), max_size=5), partial=st.integers(0, len(CONTENT)))
@settings(max_examples=15)
def test_wherever_a_connection_breaks_the_file_is_the_same(cuts, partial, tmp_path_factory):
    target = tmp_path_factory.mktemp("got") / "corpus.tar.gz"
    partial_path(target).write_bytes(CONTENT[:partial])
    empty = sum(cut == 0 for cut in cuts)
    with serving(Served(CONTENT, cuts=list(cuts) if empty < 3 else [])) as served:
        download_file(archive(served), target)
    assert target.read_bytes() == CONTENT


def test_only_the_missing_bytes_are_requested(served, tmp_path):
    target = tmp_path / "corpus.tar.gz"
    partial_path(target).write_bytes(CONTENT[:1000])
    served.cuts = [500]
    download_file(archive(served), target)
    assert served.requested_ranges == ["bytes=1000-", "bytes=1500-"] and target.read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_restarts_the_download(served, tmp_path):
    target = tmp_path / "corpus.tar.gz"
    partial_path(target).write_bytes(CONTENT[:1000])
    served.ranges = False
    download_file(archive(served), target)
    assert target.read_bytes() == CONTENT


def test_retries_end_if_a_server_cannot_resume_and_always_breaks(served, tmp_path):
    served.ranges, served.cuts = False, [1000] * 9
    with pytest.raises(DownloadError, match=r"stopped at 1\.0 kB of 1\.0 MB .*to resume"):
        download_file(archive(served), tmp_path / "corpus.tar.gz")
    assert partial_size(tmp_path / "corpus.tar.gz") == 1000


def test_a_broken_connection_keeps_the_partial_file(served, tmp_path):
    target = tmp_path / "corpus.tar.gz"
    served.cuts, served.sends_size = [1000, 0, 0, 0, 0], False
    with pytest.raises(DownloadError, match="run the same command again"):
        download_file(archive(served), target)
    assert partial_path(target).read_bytes() == CONTENT[:1000]
    served.cuts = []
    assert download_file(archive(served), target).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([403], r"denies the download \(403 Forbidden\)"),
        ([404], r"no longer exists \(404\)"),
        ([503] * 9, r"cannot be reached \(status 503\)"),
        ([416], "is not the published file"),
    ],
)
def test_a_refusal_is_a_one_sentence_error(served, tmp_path, codes, message):
    served.codes = codes
    with pytest.raises(DownloadError, match=message):
        download_file(archive(served), tmp_path / "corpus.tar.gz")
    assert not list(tmp_path.iterdir())


def test_a_busy_server_is_retried(served, tmp_path):
    served.codes = [503, 429]
    assert download_file(archive(served), tmp_path / "corpus.tar.gz").read_bytes() == CONTENT


@pytest.mark.parametrize("sends_size", [True, False])
def test_a_longer_file_is_rejected(served, tmp_path, sends_size):
    served.sends_size = sends_size
    with pytest.raises(DownloadError, match="is not the published file, which has"):
        download_file(archive(served, CONTENT[:-1]), tmp_path / "corpus.tar.gz")
    assert not list(tmp_path.iterdir())


def test_a_changed_file_is_rejected_and_deleted(served, tmp_path):
    with pytest.raises(DownloadError, match="is not the published one"):
        download_file(archive(served, CONTENT[::-1]), tmp_path / "corpus.tar.gz")
    assert not list(tmp_path.iterdir())


def test_a_partial_file_that_is_too_long_is_downloaded_anew(served, tmp_path):
    target = tmp_path / "corpus.tar.gz"
    partial_path(target).write_bytes(CONTENT + b"more")
    assert download_file(archive(served), target).read_bytes() == CONTENT


def test_without_network_the_error_names_the_server(tmp_path):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(DownloadError, match=f"{host} cannot be reached .Connection refused"):
            download_file(PublishedFile(f"http://{host}/a.tar.gz", 10, ""), tmp_path / "a.tar.gz")


def test_a_silent_server_is_a_timeout(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.tar.gz"
        with pytest.raises(DownloadError, match=r"no response for 0\.5 seconds"):
            download_file(PublishedFile(url, 10, ""), tmp_path / "a.tar.gz")


def test_a_full_disk_is_a_one_sentence_error_and_keeps_the_partial_file(served, tmp_path, monkeypatch):
    def full(response):
        yield CONTENT[:1000]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetching, "_iter_chunks", full)
    with pytest.raises(DownloadError, match=r"disk of .* is full; free some space"):
        download_file(archive(served), tmp_path / "corpus.tar.gz")
    assert partial_size(tmp_path / "corpus.tar.gz") == 1000


def test_a_folder_that_cannot_be_written_is_named(served, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DownloadError, match="cannot be written"):
        download_file(archive(served), tmp_path / "file" / "corpus.tar.gz")


def test_an_interrupt_keeps_the_partial_file(served, tmp_path, monkeypatch):
    chunks = fetching._iter_chunks

    def interrupted(response):
        yield next(chunks(response))
        raise KeyboardInterrupt

    monkeypatch.setattr(fetching, "_iter_chunks", interrupted)
    target = tmp_path / "corpus.tar.gz"
    with pytest.raises(KeyboardInterrupt):
        download_file(archive(served), target)
    assert 0 < partial_size(target) < len(CONTENT)
    monkeypatch.setattr(fetching, "_iter_chunks", chunks)
    assert download_file(archive(served), target).read_bytes() == CONTENT
    assert served.requested_ranges[1].startswith("bytes=") and threading.active_count() < 20
