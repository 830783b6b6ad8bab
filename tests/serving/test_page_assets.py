"""GET /: the page's headers, files and texts; no file of it names another host."""

import re
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from sentir.i18n import LANGUAGES
from sentir.serving.page_routes import PAGE_FOLDER
from sentir.serving.page_texts import MESSAGES
from sentir.serving.settings import ServerSettings
from sentir.timelines.colors import KNOWN_COLORS, label_color
from sentir.timelines.formats import FORMATS

OWN = [path for path in sorted(PAGE_FOLDER.rglob("*")) if path.is_file() and "vendor" not in path.parts]
SCRIPTS = [path for path in OWN if path.suffix == ".js"]
XML_NAMESPACES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml")


@pytest.fixture
def client(serve):
    """A client of a server of a model of text."""
    return serve()


def policy_of(response):
    """The directives of a content security policy, name → sources."""
    parts = response.headers["content-security-policy"].split("; ")
    return {name: sources.split() for name, _space, sources in (part.partition(" ") for part in parts)}


def test_the_page_allows_its_own_files_alone(client):
    first, second = client.get("/"), client.get("/")
    policies = [policy_of(response) for response in (first, second, client.get("/page/main.js"))]
    for policy in policies:
        assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == ["'none'"]
        assert policy["script-src"] == policy["connect-src"] == ["'self'"]
        assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:"} & {
            s for one in policy.values() for s in one
        }
    nonces = [re.findall(r'name="csp-nonce" content="(.+?)"', one.text)[0] for one in (first, second)]
    assert nonces[0] != nonces[1] and f"'nonce-{nonces[0]}'" in policies[0]["style-src"]
    assert first.headers["x-content-type-options"] == "nosniff"


def test_the_page_has_no_scripts_or_styles_within():
    page = (PAGE_FOLDER / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r"<style| style=| on[a-z]+=", page) == []


@pytest.mark.parametrize("path", [*OWN, *PAGE_FOLDER.rglob("vendor/**/*.js")], ids=lambda path: path.name)
def test_no_file_names_another_host(path):
    named = re.findall(r"(?:https?|wss?)?://[\w.-]+[\w/.-]*", path.read_text(encoding="utf-8"))
    assert [address for address in named if address not in XML_NAMESPACES] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_own_scripts_write_no_markup(path):
    code = path.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", code)
    assert len(code.splitlines()) < 300


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_files_have_the_media_type_of_their_suffix(client, path):
    expected = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
    response = client.get(f"/page/{path.relative_to(PAGE_FOLDER).as_posix()}")
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{expected[path.suffix]}; charset=utf-8"


def test_wavesurfer_comes_with_its_license():
    license = (PAGE_FOLDER / "vendor/wavesurfer/LICENSE").read_text(encoding="utf-8")
    assert license.startswith("BSD 3-Clause License")


@pytest.mark.parametrize("address", ["/page/../app.py", "/page/%2e%2e/app.py", "/page/missing.js", "/page/"])
def test_nothing_but_the_files_of_the_page_is_served(client, address):
    assert client.get(address).status_code == 404


def used_messages():
    """The keys of messages that scripts and page use."""
    texts = [path.read_text(encoding="utf-8") for path in OWN if path.suffix in (".js", ".html")]
    called = {key for text in texts for key in re.findall(r'\bt\(\s*"([\w.]+)"', text)}
    chosen = {key for text in texts for key in re.findall(r'\? "([\w.]+\.\w+)" : "[\w.]+"', text)}
    other = {key for text in texts for key in re.findall(r'\? "[\w.]+" : "([\w]+\.\w+)"', text)}
    marked = {key for text in texts for key in re.findall(r'data-t(?:-label)?="([\w.]+)"', text)}
    named = set(re.findall(r'Error: "([\w.]+)"', (PAGE_FOLDER / "capture.js").read_text(encoding="utf-8")))
    return called | chosen | other | marked | named | {"microphone.failed"}


def test_every_message_is_used_and_every_used_one_is_there():
    assert used_messages() == set(MESSAGES)


def placeholders(text):
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_message(client, language):
    texts = client.get(f"/page/texts/{language}.json").json()
    assert texts["language"] == language and texts["messages"].keys() == MESSAGES.keys()
    for key, message in texts["messages"].items():
        assert message and placeholders(message) == placeholders(MESSAGES[key])
    assert {one["name"] for one in texts["formats"]} <= set(FORMATS)
    assert texts["colors"]["known"] == {**KNOWN_COLORS}


def test_languages_differ_and_an_unknown_one_is_english(client):
    english, spanish, unknown = (
        client.get(f"/page/texts/{code}.json").json()["messages"] for code in ("en", "es", "xx")
    )
    assert unknown == english
    same = {key for key in english if english[key] == spanish[key]}
    assert same <= {"token.label"}, "untranslated"


def test_the_page_has_the_language_of_the_browser(client):
    assert '<html lang="es">' in client.get("/", headers={"accept-language": "es-MX,es;q=0.9"}).text
    assert '<html lang="en">' in client.get("/", headers={"accept-language": "en"}).text


def test_colors_by_position_are_those_of_python(client):
    """The page computes `label_color` again: known labels by name, others by their position among the unknown."""
    colors = client.get("/page/texts/en.json").json()["colors"]
    labels = ["joy", *(f"own{n}" for n in range(9))]
    others = [name for name in labels if name not in colors["known"]]
    for n, label in enumerate(others):
        assert colors["others"][n % len(colors["others"])] == label_color(label, labels)
    assert colors["others"][-1] == label_color("unknown", labels)


def test_the_page_is_open_where_a_token_is_needed_and_the_rest_is_not(serve):
    client = serve(ServerSettings(token="secret"))
    assert client.get("/").status_code == client.get("/page/main.js").status_code == 200
    assert client.get("/page/texts/en.json").status_code == 200
    for address in ("/v1/models", "/v1/limits", "/v1/notice", "/docs", "/page", "/pages"):
        assert client.get(address).status_code == 401, address


def test_a_stream_takes_the_token_as_a_subprotocol_and_its_language_from_the_address(serve):
    client = serve(ServerSettings(token="s3cret?>"))
    offered = ["sentir", "sentir.bearer.czNjcmV0Pz4"]
    with client.websocket_connect("/v1/stream?language=es", subprotocols=offered) as socket:
        assert socket.accepted_subprotocol == "sentir"
        assert socket.receive_json()["detail"].startswith("El modelo")
    for wrong in ([], ["sentir"], offered[1:], ["sentir", "sentir.bearer.x"]):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/v1/stream", subprotocols=wrong):
            pass


def test_limits_are_listed(client):
    limits = client.get("/v1/limits").json()
    assert limits["max_body_bytes"] == 32 * 1024**2 and limits["max_seconds"] == 60


GUIDES = [Path(__file__).parents[2] / "docs" / language / "page.md" for language in LANGUAGES]


def code_blocks(guide, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_guides_have_the_same_examples_and_figures_that_are_there():
    english, spanish = GUIDES
    assert all(code_blocks(english, kind) == code_blocks(spanish, kind) for kind in ("sh", "python"))
    for guide in GUIDES:
        figures = re.findall(r"!\[.+?\]\((.+?)\)", guide.read_text(encoding="utf-8"))
        assert len(figures) == 4 and all((guide.parent / name).stat().st_size < 150_000 for name in figures)


def test_the_example_of_the_guide_runs(client):
    (code,) = code_blocks(GUIDES[0], "python")
    names = {"httpx": client}
    exec(code.replace("import httpx\n", ""), names)
    assert names["subtitles"].startswith("1\n00:00:00,500 --> 00:00:02,000\n[joy –] I got it!")
    assert names["explanation"].json()["label"] == "joy"
