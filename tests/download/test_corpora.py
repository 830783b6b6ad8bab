"""Plans of downloads and downloads from Kaggle, with a fake that has kagglehub's names and signatures."""

import inspect
import shutil
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
from sentir.errors import DownloadError, MissingDependencyError, UnknownNameError


class FakeKaggle:
    """kagglehub 1.0: `dataset_download`, its exceptions, and the client for metadata."""

    def __init__(self):
        self.failure: Exception | None = None
        self.details = SimpleNamespace(total_bytes=3_000, license_name="GPL 2", current_version_number=3)
        self.requested_handles: list[str] = []

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
        self.requested_handles.append(f"{request.owner_slug}/{request.dataset_slug}")
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
    """Like `requests.HTTPError`, which kagglehub raises: an OSError with a response."""
    error = OSError(f"{code} Client Error.\n\nYou don't have permission")
    error.response = SimpleNamespace(status_code=code)
    return error


@pytest.mark.parametrize(
    "name", [name for name in DOWNLOADABLE_CORPORA if DOWNLOADABLE_CORPORA.get(name).kaggle_handle]
)
def test_a_plan_has_url_size_and_license_of_every_corpus(name, fake):
    plan = plan_download(name)
    assert fake.requested_handles == [DOWNLOADABLE_CORPORA.get(name).kaggle_handle]
    assert plan.url == f"https://www.kaggle.com/datasets/{DOWNLOADABLE_CORPORA.get(name).kaggle_handle}"
    assert plan.size_bytes == 3_000 and "GPL 2" in plan.license and plan.free_bytes > 0


def test_a_corpus_that_is_not_on_kaggle_has_its_own_default_source(fake, tmp_path):
    plan = plan_download("mmeld", out=tmp_path)
    assert plan.source == "original" and plan.target == tmp_path / "mmeld_data.zip" and not fake.requested_handles
    with pytest.raises(DownloadError, match="cannot be downloaded from 'kaggle'"):
        plan_download("mmeld", source="kaggle")


def test_a_corpus_from_kaggle_goes_to_its_cache_or_to_the_given_folder(fake, tmp_path, monkeypatch):
    assert download_corpus(plan_download("meld")) == tmp_path / "hub/datasets/zaber666/meld-dataset/versions/3"
    folder = download_corpus(plan_download("meld", out=tmp_path / "mine"))
    assert folder == tmp_path / "mine/datasets/zaber666/meld-dataset/versions/3"
    monkeypatch.delenv("KAGGLEHUB_CACHE")
    download_corpus(plan_download("meld", out=tmp_path / "mine"))
    assert "KAGGLEHUB_CACHE" not in __import__("os").environ


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (lambda: kaggle_error("UnauthenticatedError"), "KAGGLE_API_TOKEN"),
        (lambda: http_error(401), "requires an API token"),
        (
            lambda: http_error(403),
            "acceptance of the terms on https://www.kaggle.com/datasets/zaber666/meld-dataset",
        ),
        (lambda: http_error(404), "data set 'zaber666/meld-dataset' is no longer on Kaggle"),
        (lambda: http_error(500), r"denies access to 'zaber666/meld-dataset' \(500\)"),
        (lambda: OSError("HTTPSConnectionPool"), "cannot be reached, or the connection was lost"),
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
def test_every_failure_of_kaggle_is_a_one_sentence_error(failure, message, when, fake):
    plan = plan_download("meld")
    fake.failure = failure()
    with pytest.raises(DownloadError, match=message) as raised:
        plan_download("meld") if when == "before" else download_corpus(plan)
    assert "\n" not in str(raised.value)


def test_without_kagglehub_the_error_names_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'sentir\[kaggle\]'"):
        plan_download("mosei")


def test_the_fake_has_the_signature_of_kagglehub():
    real = pytest.importorskip("kagglehub").dataset_download
    assert str(inspect.signature(real)) == str(inspect.signature(FakeKaggle().dataset_download))


def test_in_kaggles_own_notebooks_metadata_is_not_requested(fake, monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert plan_download("mosei").size_bytes is None and not fake.requested_handles


def test_an_unknown_corpus_or_source_is_an_error_naming_the_known_ones(fake):
    with pytest.raises(UnknownNameError, match="did you mean mosei"):
        plan_download("moseii")
    with pytest.raises(DownloadError, match="did you mean original"):
        plan_download("meld", source="orignal")
    with pytest.raises(DownloadError, match="known: kaggle"):
        plan_download("mosei", source="original")


def test_too_little_disk_space_is_an_error_before_the_download(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=5_000))
    with pytest.raises(DownloadError, match=r"5\.0 kB of free space and 6\.0 kB are needed.*--out"):
        plan_download("mosei")
    with pytest.raises(DownloadError, match=r"10\.9 GB are needed"):
        plan_download("meld", source="original", out=tmp_path)


def test_a_partial_download_reduces_the_disk_space_needed(tmp_path, monkeypatch):
    size = DOWNLOADABLE_CORPORA.get("meld").remote_files["original"].size
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=100))
    monkeypatch.setattr(corpora, "partial_size", lambda target: size - 100)
    plan = plan_download("meld", source="original", out=tmp_path)
    assert plan.partial_bytes == size - 100 and not plan.needs_confirmation and not plan.is_complete


def test_the_original_is_downloaded_to_the_given_folder(tmp_path, monkeypatch):
    import hashlib

    content = b"archive" * 1000
    with serving(Served(content, cuts=[100])) as served:
        archive = corpora.PublishedFile(served.url, len(content), hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(DOWNLOADABLE_CORPORA.get("meld").remote_files, "original", archive)
        plan = plan_download("meld", source="original", out=tmp_path)
        assert plan.license == "GPL-3.0" and plan.url == served.url and not plan.is_complete
        assert download_corpus(plan).read_bytes() == content
        assert plan_download("meld", source="original", out=tmp_path).is_complete
    assert not partial_path(plan.target).exists()


def test_the_cache_of_kagglehub_is_where_it_says(monkeypatch, tmp_path):
    monkeypatch.delenv("KAGGLEHUB_CACHE", raising=False)
    assert kaggle.cache_folder(None) == Path.home() / ".cache" / "kagglehub"
    assert kaggle.cache_folder(tmp_path) == tmp_path
