"""Sources of weights: described, verified if a hash is known, and never waited for."""

import json
import shutil
import time
from dataclasses import asdict

import pytest
from transformers import AutoConfig, AutoModel, AutoTokenizer

from sentir.errors import WeightsError
from sentir.models import loading, weights
from sentir.models.loading import load_config, load_from_source
from sentir.models.text_backbones import get_text_backbone
from sentir.models.text_encoder import load_text_encoder
from sentir.models.weights import (
    PackagedWeights,
    WeightsSource,
    hash_file,
    require_hub_connection,
    resolve_weights,
)

ID = "someone/some-encoder"


@pytest.fixture
def online(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.fixture
def cached(roberta, tmp_path, monkeypatch):
    """A hub cache with the tiny encoder, its weights named by their hash as in the hub's client."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--someone--some-encoder"
    shutil.copytree(roberta, repository / "snapshots" / "0123456789abcdef")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123456789abcdef")
    (repository / "blobs").mkdir()
    file = repository / "snapshots" / "0123456789abcdef" / "model.safetensors"
    blob = repository / "blobs" / hash_file(file)
    file.rename(blob)
    file.symlink_to(blob)
    hash_file.cache_clear()
    return blob


def test_a_folder_is_its_own_source(roberta):
    source = resolve_weights(str(roberta))
    assert (source.origin, source.location) == ("folder", str(roberta))
    assert str(roberta) in source.describe() and not source.sha256_verified


def test_the_cache_is_found_verified_and_loaded_without_the_hub(cached, monkeypatch):
    monkeypatch.setattr(loading, "require_hub_connection", lambda: pytest.fail("the hub was contacted"))
    source = resolve_weights(ID)
    assert source == WeightsSource(ID, "cache", "0123456789ab", True)
    assert source.describe() == f"from the local cache, {ID} at revision 0123456789ab (SHA-256 verified)"
    assert load_text_encoder(ID)[0].width == 32
    assert WeightsSource(**json.loads(json.dumps(asdict(source)))) == source


def test_changed_weights_in_the_cache_are_rejected(cached):
    cached.write_bytes(cached.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match=r"some-encoder have SHA-256 \w{12}, not \w{12}; delete them"):
        resolve_weights(ID)


def test_packaged_weights_are_verified_by_the_known_hash(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "carrier" / "model").mkdir(parents=True)
    (tmp_path / "carrier" / "__init__.py").touch()
    file = tmp_path / "carrier" / "model" / "model.safetensors"
    file.write_bytes(b"weights")
    packaged = PackagedWeights("carrier", "model")
    monkeypatch.setitem(weights.KNOWN_SHA256, ID, hash_file(file))
    assert resolve_weights(ID, packaged) == WeightsSource(str(file.parent), "package", "carrier", True)
    monkeypatch.setitem(weights.KNOWN_SHA256, ID, "0" * 64)
    with pytest.raises(WeightsError, match="of carrier have SHA-256"):
        resolve_weights(ID, packaged)


def test_weights_found_nowhere_else_come_from_the_hub(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert resolve_weights(ID) == WeightsSource(ID, "hub")
    assert resolve_weights("roberta") == WeightsSource("roberta", "hub")


def test_files_missing_in_the_cache_are_requested_from_a_reachable_hub(roberta, monkeypatch):
    config, calls = AutoConfig.from_pretrained(str(roberta)), []

    def load(location, *, local_files_only=False, trust_remote_code):
        calls.append((local_files_only, trust_remote_code))
        if local_files_only:
            raise OSError("not in the cache")
        return config

    monkeypatch.setattr(AutoConfig, "from_pretrained", load)
    monkeypatch.setattr(loading, "require_hub_connection", lambda: calls.append("hub"))
    assert load_config(WeightsSource(ID, "hub")) is config
    assert calls == [(True, False), "hub", (False, False)]


def test_an_unreachable_hub_fails_immediately(online, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    start = time.perf_counter()
    with pytest.raises(WeightsError, match=r"from the hub \(http://127\.0\.0\.1:9 cannot be reached: .+\)"):
        load_config(WeightsSource("sentir-tests/no-such-encoder", "hub"))
    assert time.perf_counter() - start < 5


def test_offline_mode_is_named_as_the_reason(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConnectionError, match="HF_HUB_OFFLINE is set"):
        require_hub_connection()


def test_a_hub_that_responds_in_any_way_is_reachable(online, monkeypatch):
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Forbidding(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_error(403)

        def log_message(self, *_):
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Forbidding)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.handle_request)
    thread.start()
    require_hub_connection()
    thread.join(5)
    server.server_close()
    assert not thread.is_alive()


def test_code_of_a_repository_is_never_run(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "theirs", "auto_map": {"AutoConfig": "code.Theirs", "AutoModel": "code.Model"}})
    )
    (tmp_path / "code.py").write_text("raise SystemExit('their code was run')")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("the user was asked to confirm"))
    with pytest.raises(WeightsError, match="requires code from its repository, which Sentir never runs"):
        load_config(resolve_weights(str(tmp_path)))


@pytest.mark.parametrize("auto", [AutoConfig, AutoModel, AutoTokenizer])
def test_everything_is_loaded_without_trust(auto, monkeypatch, roberta):
    seen = []
    monkeypatch.setattr(auto, "from_pretrained", lambda *_, **options: seen.append(options))
    load_from_source(get_text_backbone(str(roberta)).resolve_weights(), auto.from_pretrained)
    assert seen == [{"trust_remote_code": False}]
