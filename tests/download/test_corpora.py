"""What can be had, before and while it is fetched, with a stand-in that has kagglehub's names and signatures."""

import inspect
import sys
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from web_server import Served, serving

from sentir.download import corpora, kaggle
from sentir.download.corpora import download_corpus, plan_download
from sentir.download.fetching import partial_path
from sentir.download.sources import DOWNLOADABLE_CORPORA
from sentir.errors import DownloadError, UnknownNameError


class FakeKaggle:
    """kagglehub 1.0: `dataset_download`, its exceptions, and the client that it asks for versions."""

    def __init__(self):
        self.failure: Exception | None = None
        self.details = SimpleNamespace(total_bytes=3_000, license_name="GPL 2", current_version_number=3)
        self.asked: list[str] = []

    def dataset_download(
        self,
        handle: str,
        path: str | None = None,
        *,
        force_download: bool | None = False,
        output_dir: str | None = None,
    ) -> str:
        import os

        if self.failure is not None:
            raise self.failure
        folder = Path(os.environ["KAGGLEHUB_CACHE"]) / "datasets" / handle / "versions" / "3"
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    @contextmanager
    def build_kaggle_client(self):
        yield SimpleNamespace(datasets=SimpleNamespace(dataset_api_client=self))

    def get_dataset(self, request):
        if self.failure is not None:
            raise self.failure
        self.asked.append(f"{request.owner_slug}/{request.dataset_slug}")
        return self.details


@pytest.fixture
def fake(monkeypatch, tmp_path):
    hub = FakeKaggle()
    modules = {name: ModuleType(name) for name in ("kagglehub", "kagglehub.exceptions", "kagglehub.clients")}
    modules["kagglehub"].dataset_download = hub.dataset_download
    modules["kagglehub"].exceptions = modules["kagglehub.exceptions"]
    modules["kagglehub.clients"].build_kaggle_client = hub.build_kaggle_client
    for name in ("UnauthenticatedError", "CredentialError", "DataCorruptionError", "BackendError"):
        setattr(modules["kagglehub.exceptions"], name, type(name, (Exception,), {}))
    service = "kagglesdk.datasets.types.dataset_api_service"
    parts = service.split(".")
    modules |= {".".join(parts[: n + 1]): ModuleType(".".join(parts[: n + 1])) for n in range(len(parts))}
    modules[service].ApiGetDatasetRequest = SimpleNamespace
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
    return hub


def kaggle_error(name, *values):
    return getattr(sys.modules["kagglehub.exceptions"], name)(*values)


def http_error(code):
    """As `requests.HTTPError`, which kagglehub raises: an OSError with a response."""
    error = OSError(f"{code} Client Error.\n\nYou don't have permission")
    error.response = SimpleNamespace(status_code=code)
    return error


@pytest.mark.parametrize("name", list(DOWNLOADABLE_CORPORA))
def test_every_corpus_is_offered_with_address_size_and_license_before_it_is_fetched(name, fake):
    offer = plan_download(name)
    assert fake.asked == [DOWNLOADABLE_CORPORA.get(name).kaggle_handle]
    assert offer.url == f"https://www.kaggle.com/datasets/{DOWNLOADABLE_CORPORA.get(name).kaggle_handle}"
    assert offer.size_bytes == 3_000 and "GPL 2" in offer.license and offer.free_bytes > 0


def test_a_corpus_from_kaggle_lies_in_its_cache_or_in_the_folder_named(fake, tmp_path, monkeypatch):
    assert download_corpus(plan_download("meld")) == tmp_path / "hub/datasets/zaber666/meld-dataset/versions/3"
    there = download_corpus(plan_download("meld", out=tmp_path / "mine"))
    assert there == tmp_path / "mine/datasets/zaber666/meld-dataset/versions/3"
    monkeypatch.delenv("KAGGLEHUB_CACHE")
    download_corpus(plan_download("meld", out=tmp_path / "mine"))
    assert "KAGGLEHUB_CACHE" not in __import__("os").environ


@pytest.mark.parametrize(
    ("failure", "complaint"),
    [
        (lambda: kaggle_error("UnauthenticatedError"), "KAGGLE_API_TOKEN"),
        (lambda: http_error(401), "who have a token"),
        (lambda: http_error(403), "accepted the terms of https://www.kaggle.com/datasets/zaber666/meld-dataset"),
        (lambda: http_error(404), "no data set 'zaber666/meld-dataset' any more"),
        (lambda: http_error(500), r"refuses 'zaber666/meld-dataset' \(500\)"),
        (lambda: OSError("HTTPSConnectionPool"), "cannot be reached, or the connection broke"),
        (lambda: OSError(28, "No space left on device"), "disk is full"),
        (
            lambda: PermissionError(13, "Permission denied", "/there"),
            "/there cannot be written: Permission denied",
        ),
        (lambda: kaggle_error("DataCorruptionError"), "damaged and was deleted"),
        (
            lambda: ValueError("Invalid Kaggle credentials file at x"),
            "cannot be used: Invalid Kaggle credentials",
        ),
    ],
)
@pytest.mark.parametrize("when", ["before", "while"])
def test_every_failure_of_kaggle_is_a_sentence(failure, complaint, when, fake):
    offer = plan_download("meld")
    fake.failure = failure()
    with pytest.raises(DownloadError, match=complaint) as raised:
        plan_download("meld") if when == "before" else download_corpus(offer)
    assert "\n" not in str(raised.value)


def test_without_kagglehub_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(DownloadError, match=r"pip install 'sentir\[kaggle\]'"):
        plan_download("mosei")


def test_the_stand_in_has_the_signature_of_the_true_one():
    true = pytest.importorskip("kagglehub").dataset_download
    assert str(inspect.signature(true)) == str(inspect.signature(FakeKaggle().dataset_download))


def test_kaggles_own_notebooks_are_not_asked_before(fake, monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert plan_download("mosei").size_bytes is None and not fake.asked


def test_an_unknown_corpus_or_source_is_answered_with_those_there_are(fake):
    with pytest.raises(UnknownNameError, match="did you mean mosei"):
        plan_download("moseii")
    with pytest.raises(DownloadError, match="did you mean original"):
        plan_download("meld", source="orignal")
    with pytest.raises(DownloadError, match="known: kaggle"):
        plan_download("mosei", source="original")


def test_too_little_room_is_told_before_anything_is_fetched(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "_free_bytes", lambda place: 5_000)
    with pytest.raises(DownloadError, match=r"5\.0 kB free and 6\.0 kB are needed.*--out"):
        plan_download("mosei")
    with pytest.raises(DownloadError, match=r"10\.9 GB are needed"):
        plan_download("meld", source="original", out=tmp_path)


def test_what_is_there_already_counts_for_the_room_that_is_needed(tmp_path, monkeypatch):
    size = DOWNLOADABLE_CORPORA.get("meld").remote_files["original"].size
    monkeypatch.setattr(corpora, "_free_bytes", lambda place: 100)
    monkeypatch.setattr(corpora, "partial_size", lambda place: size - 100)
    offer = plan_download("meld", source="original", out=tmp_path)
    assert offer.partial_bytes == size - 100 and not offer.needs_confirmation and not offer.is_complete


def test_the_original_is_fetched_to_the_folder_named(tmp_path, monkeypatch):
    import hashlib

    content = b"archive" * 1000
    with serving(Served(content, cuts=[100])) as served:
        archive = corpora.RemoteFile(served.url, len(content), hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(DOWNLOADABLE_CORPORA.get("meld").remote_files, "original", archive)
        offer = plan_download("meld", source="original", out=tmp_path)
        assert offer.license == "GPL-3.0" and offer.url == served.url and not offer.is_complete
        assert download_corpus(offer).read_bytes() == content
        assert plan_download("meld", source="original", out=tmp_path).is_complete
    assert not partial_path(offer.target).exists()


def test_the_cache_of_kagglehub_is_where_it_says(monkeypatch, tmp_path):
    monkeypatch.delenv("KAGGLEHUB_CACHE", raising=False)
    assert kaggle.cache_folder(None) == Path.home() / ".cache" / "kagglehub"
    assert kaggle.cache_folder(tmp_path) == tmp_path
