"""A page of another site cannot use the server: what browsers send names the site in ``Origin``."""

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from sentir.serving.app import create_app
from sentir.serving.settings import ServerSettings

BODY = {"inputs": "I got it!"}
LOCAL = "http://127.0.0.1:8000"


@pytest.fixture
def client_at(text_model):
    """From the address of a server and its settings to a client."""

    def client_at(address=LOCAL, **settings):
        return TestClient(create_app({"text": text_model}, ServerSettings(**settings)), address)

    return client_at


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9000", "x", "http://[", ""])
def test_foreign_pages_are_refused(client_at, origin):
    headers = {"origin": origin}
    with client_at() as client:
        for response in (
            client.post("/v1/emotions", json=BODY, headers=headers),
            client.post("/v1/timelines", files={"recording": ("a.wav", b"x")}, headers=headers),
            client.delete("/v1/timelines/x", headers=headers),
        ):
            assert (response.status_code, response.json()["code"]) == (403, "foreign_origin")
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/v1/stream", headers=headers):
            pass
        assert client.get("/v1/models", headers=headers).status_code == 200, "its page cannot read it"


@pytest.mark.parametrize(
    ("address", "origin", "settings"),
    [
        (LOCAL, None, {}),
        (LOCAL, LOCAL, {}),
        ("http://localhost:8000", "http://localhost:8000", {}),
        ("https://voices.example.org", "https://voices.example.org", {}),
        (LOCAL, "https://app.example.org", {"cors_origins": ("https://app.example.org",)}),
        (LOCAL, "https://any.example.org", {"cors_origins": ("*",)}),
    ],
)
def test_its_own_page_allowed_pages_and_programs_are_not(client_at, address, origin, settings):
    headers = {} if origin is None else {"origin": origin}
    with client_at(address, **settings) as client:
        assert client.post("/v1/emotions", json=BODY, headers=headers).status_code == 200
        url = address.replace("http", "ws") + "/v1/stream"
        with client.websocket_connect(url, headers=headers) as socket:
            assert socket.receive_json()["code"] == "missing_modality"


@pytest.mark.parametrize(("token", "status"), [("", 403), ("s3cret", 200)])
def test_a_name_that_resolves_to_this_machine_needs_a_token(client_at, token, status):
    """With DNS rebinding, the page of another site has the same address as the server."""
    with client_at(token=token) as client:
        headers = {"origin": "http://evil.example", "host": "evil.example", "authorization": f"Bearer {token}"}
        assert client.post("/v1/emotions", json=BODY, headers=headers).status_code == status


def test_the_list_of_addresses_has_all_of_them_and_loads_nothing_from_elsewhere(client_at):
    with client_at() as client:
        response = client.get("/docs")
        assert response.headers["content-security-policy"].startswith("default-src 'none'")
        assert "<script" not in response.text and "//" not in response.text.replace("<!doctype", "")
        for path, operations in client.get("/openapi.json").json()["paths"].items():
            assert all(f"<code>{method.upper()} {path}</code>" in response.text for method in operations)
        assert "WS /v1/stream" in response.text and client.get("/page/docs.css").status_code == 200
