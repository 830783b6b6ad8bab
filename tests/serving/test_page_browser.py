"""The page in Chromium, as a visitor uses it, with a microphone that plays a file."""

import contextlib
import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from audio_files import tone, write_wav
from live_server import LiveServer
from tiny_corpora import spoken_recipe

from sentir import api
from sentir.serving.settings import Limits, ServerSettings
from sentir.training.recognizers import fit_recognizer

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe_api = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("one_store"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium"),
]
TIMEOUT = 60_000  # ms, on a busy machine
SETTINGS = ServerSettings(purpose="research", limits=Limits(max_body_bytes=2 * 1024**2))
READY = "body:not(.loading)"
CHAT = "Ana: I got it!\nBen: Leave me alone.\nAna: What was that?\n"
SUBTITLES = "1\n00:00:00,500 --> 00:00:02,000\nAna: I got it!\n\n2\n00:00:02,500 --> 00:00:04,000\nBen: Oh no.\n"


@pytest.fixture(scope="module", autouse=True)
def energy():
    """Find turns by energy, as tones are no speech."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sentir.timelines.voice_activity.find_spec", lambda name: None)
        yield


@pytest.fixture(scope="module")
def models(spoken, weights, sounds):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
        audio, voice = (
            fit_recognizer(spoken_recipe(weights, model={"kind": "emotion_model", **options}), spoken)[0]
            for options in ({}, {"features": ["functionals"], "speaker_normalization": True})
        )
    return {"starter": api.load("starter"), "audio": audio, "voice": voice}


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Four seconds with two turns."""
    quiet = np.zeros(12_000, np.float32)
    samples = np.concatenate([quiet, 0.5 * tone(1.0, 300), quiet, 0.7 * tone(1.0, 900), quiet, quiet[:4000]])
    return write_wav(tmp_path_factory.mktemp("recording") / "talk.wav", samples, 16_000)


@pytest.fixture(scope="module")
def voice_clips(tmp_path_factory):
    """Two clips of a voice."""
    folder = tmp_path_factory.mktemp("voice")
    return [write_wav(folder / f"{hz}.wav", 0.5 * tone(1.0, hz), 16_000) for hz in (250, 350)]


@pytest.fixture(scope="module")
def browser(recording):
    options = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={recording}",
    ]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(models):
    server = LiveServer(models, SETTINGS).start()
    yield server
    server.stop()


@pytest.fixture
def visit(browser, server):
    """From options to a page that is loaded; afterwards, nothing may have gone wrong or left the server."""
    wrong, contexts = [], []

    def visit(
        tab="text",
        *,
        address=server.address,
        language="en-US",
        microphone=True,
        ready=READY,
        script="",
        **options,
    ):
        context = browser.new_context(
            locale=language, permissions=["microphone"] if microphone else [],
            **{"viewport": {"width": 1300, "height": 900}, **options},
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda one: wrong.append(one.text) if "Content Security" in one.text else None)
        own = ("blob:", "data:", address, address.replace("http", "ws"))
        page.on("request", lambda one: None if one.url.startswith(own) else wrong.append(one.url))
        page.on("websocket", lambda one: None if one.url.startswith(own) else wrong.append(one.url))
        page.add_init_script(script)
        page.goto(f"{address}#{tab}")
        page.wait_for_selector(ready)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert wrong == []


def predict_text(page, text):
    page.fill("#text", text)
    page.press("#text", "Control+Enter")
    page.wait_for_selector("#panel-text .bars, #panel-text .problem, #panel-text .warning")


def make_timeline(page, path):
    page.set_input_files("#recording", str(path))
    page.wait_for_selector("#panel-file :is(.turns, .problem)")
    return page.locator("#panel-file")


def download(page, panel, format):
    panel.locator(".download select").select_option(format)
    with page.expect_download() as found:
        panel.get_by_role("button", name="Download").click()
    return found.value.suggested_filename, Path(found.value.path()).read_text(encoding="utf-8")


def test_a_text_is_predicted_in_both_languages(visit, models):
    page = visit()
    predict_text(page, "What a wonderful day, thank you so much!")
    expected = models["starter"].predict("What a wonderful day, thank you so much!")
    assert page.inner_text(".headline").lower() == expected.label == "joy"
    assert page.locator("#panel-text > .result > .bars li").count() == 7
    page.get_by_role("button", name="Español").click()
    page.wait_for_selector("html[lang=es] .headline:has-text('alegría')")
    assert "confianza" in page.inner_text(".result") and page.get_by_role("tab", name="Texto").is_visible()


def test_a_text_in_another_language_abstains_and_says_what_that_means(visit):
    page = visit(language="es-ES")
    assert page.evaluate("document.documentElement.lang") == "es"
    page.locator(".chip[lang=es]").click()
    page.wait_for_selector(".headline.unsure")
    page.locator(".result summary").click()
    assert page.locator(".result details p").is_visible() and page.locator(".result .warning").count() > 0


def test_what_a_visitor_writes_is_no_markup(visit):
    hostile = '<img src=x onerror="document.title=1"><b>bold</b>'
    page = visit("conversation")
    page.fill("#conversation", f"<i>Ana</i>: {hostile}\nBen: {hostile}")
    page.locator("#panel-conversation .primary").click()
    page.wait_for_selector(".bubbles")
    assert (
        hostile in page.inner_text(".bubbles") and page.locator("#panel-conversation :is(img, b, i)").count() == 0
    )
    assert page.title() == "Sentir"


def test_a_recording_becomes_a_table_that_is_corrected_and_downloaded(visit, models, recording):
    page = visit("file")
    panel = make_timeline(page, recording)
    expected = api.timeline(models["audio"], recording)
    assert panel.locator(".turns tbody tr").count() == len(expected) == 2
    assert panel.locator(".label-select").first.input_value() == expected.turns[0].labels[0]
    other = next(label for label in expected.labels if label not in expected.turns[0].labels)
    panel.locator(".label-select").first.select_option(other)
    assert panel.locator("tr.corrected .tag").count() == 1
    name, table = download(page, panel, "csv")
    assert name == "talk.csv" and next(csv.DictReader(io.StringIO(table)))["label"] == other
    name, content = download(page, panel, "json")
    first, second = json.loads(content)["turns"]
    assert first["labels"] == [other] and "confidence" not in first and "by hand" in first["notes"][-1]
    assert second["labels"] == list(expected.turns[1].labels)
    panel.get_by_role("button", name="Undo").click()
    assert panel.locator("tr.corrected").count() == 0


def test_playback_marks_the_turn_that_is_heard(visit, recording):
    page = visit("file")
    panel = make_timeline(page, recording)
    regions = "document.querySelector('.wave div')?.shadowRoot?.querySelectorAll('[part~=region]')"
    page.wait_for_function(f"{regions}?.length === 2")
    panel.get_by_role("button", name="Play from").nth(1).click()
    page.wait_for_selector("tr[data-turn='1'][aria-current=true]")
    panel.get_by_role("button", name="Spectrogram").click()
    page.wait_for_selector(".spectrum canvas")


def test_a_recording_is_explained_turn_by_turn(visit, recording):
    page = visit("file")
    panel = make_timeline(page, recording)
    panel.get_by_role("button", name="Why?").first.click()
    page.wait_for_selector(".explanation .moments")
    assert "counted most" in page.inner_text(".moments")


def test_the_microphone_becomes_a_timeline_while_it_is_recorded(visit):
    page = visit("microphone")
    page.get_by_role("button", name="Start recording").click()
    page.wait_for_selector(".live-turns li:nth-child(2)")
    page.get_by_role("button", name="Stop recording").click()
    page.wait_for_selector("#panel-microphone .turns")
    panel = page.locator("#panel-microphone")
    assert (
        panel.locator(".turns tbody tr").count() >= 2
        and panel.get_by_role("button", name="Play from").count() >= 2
    )
    name, subtitles = download(page, panel, "srt")
    assert name == "recording.srt" and "-->" in subtitles


def test_a_recording_is_judged_by_clips_of_the_voice(visit, models, recording, voice_clips):
    page = visit("file")
    panel = page.locator("#panel-file")
    assert panel.locator(".voice").count() == 0, "the first model has no speaker normalization"
    panel.locator(".model select").select_option("voice")
    panel.locator(".voice summary").press("Enter")
    panel.locator(".voice input").set_input_files([str(path) for path in [*voice_clips, recording]])
    panel.get_by_role("button", name="Remove talk.wav").press("Enter")
    assert panel.locator(".voice li").count() == 2
    assert page.evaluate("document.activeElement.textContent") == "Record a clip"
    assert "judged by 2 clips" in make_timeline(page, recording).locator(".facts").inner_text()
    expected = api.timeline(models["voice"], recording, enroll=voice_clips)
    _name, content = download(page, panel, "json")
    for found, turn in zip(json.loads(content)["turns"], expected.turns, strict=True):
        assert found["probabilities"] == pytest.approx(turn.probabilities, abs=1e-3)
    page.get_by_role("button", name="Español").click()
    page.wait_for_selector("html[lang=es] .voice")
    check_accessible(page, "voice")
    assert panel.locator(".voice li").count() == 2


def test_a_voice_is_recorded_first_and_used_after_a_live_recording(visit):
    page = visit("microphone")
    panel = page.locator("#panel-microphone")
    panel.locator(".model select").select_option("voice")
    panel.locator(".voice summary").click()
    for n in (1, 2):
        page.get_by_role("button", name="Record a clip").click()
        page.wait_for_selector(".voice .clock:text('0:01')")
        page.get_by_role("button", name="Stop the clip").click()
        page.wait_for_selector(f".voice li:text('Recorded clip {n}')")
    assert panel.locator(".voice li").all_inner_texts() == ["Recorded clip 1 Remove", "Recorded clip 2 Remove"]
    page.get_by_role("button", name="Start recording").click()
    page.wait_for_selector(".live-turns li")
    page.get_by_role("button", name="Stop recording").click()
    page.wait_for_selector("#panel-microphone .turns")
    assert "judged by 2 clips" in panel.locator(".facts").inner_text()


KEEP_SOCKETS = """
  window.sockets = [];
  window.WebSocket = class extends WebSocket {
    constructor(...args) { super(...args); sockets.push(this); }
  };
"""


def test_a_recording_goes_on_with_its_stream_after_a_lost_connection(visit):
    page = visit("microphone", script=KEEP_SOCKETS)
    page.get_by_role("button", name="Start recording").click()
    page.wait_for_selector(".live-turns li")
    for n in (1, 2):
        page.evaluate("sockets.at(-1).close(4000)")
        while not page.evaluate(f"sockets.length > {n} && sockets.at(-1).readyState === 1"):
            page.wait_for_timeout(50)
    page.wait_for_selector(".live-turns li:nth-child(3)")
    sent = page.evaluate("sockets.map(one => new URL(one.url).searchParams.get('received'))")
    assert sent[0] is None and 2 < int(sent[1]) <= int(sent[2])
    page.get_by_role("button", name="Stop recording").click()
    page.wait_for_selector("#panel-microphone .turns")
    starts = page.locator("#panel-microphone .turns tbody tr").count()
    assert starts >= 3 and page.locator(".banner.gone").count() == 0


RESAMPLE = """async ([samples, rate, sizes]) => {
  const { Resampler } = await import(new URL("page/resampler.js", document.baseURI));
  const [resampler, output] = [new Resampler(rate), []];
  for (let at = 0, n = 0; at < samples.length; at += sizes[n % sizes.length], n += 1)
    output.push(...resampler.push(Float32Array.from(samples.slice(at, at + sizes[n % sizes.length]))));
  return output;
}"""


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000, 16_000, 8_000])
def test_the_microphone_is_resampled_to_16_khz(visit, rate):
    """What 16 kHz can hold stays as it is, what it cannot hold is gone, wherever blocks end."""
    page = visit()
    frequencies = (440, 3000)
    above = [one for one in (12_000, 20_000) if one < rate / 2]
    samples = sum(np.sin(2 * np.pi * one * np.arange(rate) / rate) for one in (*frequencies, *above))
    output = np.array(page.evaluate(RESAMPLE, [samples.tolist(), rate, [128]]))
    assert 15_900 <= len(output) <= 16_000
    expected = sum(np.sin(2 * np.pi * one * np.arange(len(output)) / 16_000) for one in frequencies)
    middle = slice(400, -400)
    assert np.abs(output - expected)[middle].max() < 0.02
    other = page.evaluate(RESAMPLE, [samples.tolist(), rate, [1, 500, 77, 4096]])
    assert other[: len(output)] == pytest.approx(output[: len(other)].tolist(), abs=1e-5)


def test_a_conversation_has_its_speakers_and_its_course(visit):
    page = visit("conversation")
    page.fill("#conversation", CHAT)
    page.locator("#panel-conversation .primary").click()
    page.wait_for_selector(".bubbles")
    assert page.locator(".bubble .who").all_inner_texts() == ["Ana", "Ben", "Ana"]
    assert page.locator(".course .dot").count() == 3 and "A" in page.locator(".course .dot").first.text_content()
    page.get_by_role("button", name="Table").click()
    assert page.locator("#panel-conversation td.speaker").all_inner_texts() == ["Ana", "Ben", "Ana"]
    formats = page.locator("#panel-conversation .download option").evaluate_all(
        "all => all.map(one => one.value)"
    )
    assert "csv" in formats and "srt" not in formats


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.srt", SUBTITLES), ("a.jsonl", '{"speaker": "Ana", "text": "Hi."}\n{"speaker": "Ben", "text": "No!"}\n')],
)
def test_conversations_are_pasted_and_opened_in_other_formats(visit, name, content):
    page = visit("conversation")
    page.fill("#conversation", content)
    page.locator("#panel-conversation .primary").click()
    page.wait_for_selector(".bubbles")
    pasted = page.locator(".bubble .words").all_inner_texts()
    file = {"name": name, "mimeType": "text/plain", "buffer": content.encode()}
    page.set_input_files("#conversation-file", file)
    page.wait_for_selector(f"h2:has-text('{name}')")
    assert page.locator(".bubble .words").all_inner_texts() == pasted and len(pasted) == 2


def test_what_cannot_be_used_is_said_in_one_sentence(visit, recording, tmp_path):
    page = visit("file")
    large = tmp_path / "large.wav"
    large.write_bytes(bytes(3 * 1024**2))
    assert "at most 2" in make_timeline(page, large).locator(".problem").inner_text()
    damaged = tmp_path / "damaged.wav"
    damaged.write_bytes(b"no audio")
    assert "damaged.wav" in make_timeline(page, damaged).locator(".problem").inner_text()
    page.select_option("#panel-file .model select", "starter")
    assert "takes texts" in make_timeline(page, recording).locator(".problem").inner_text()


def test_a_full_queue_is_said_in_the_words_of_the_server(visit):
    page = visit()
    answer = {"code": "queue_full", "detail": "The server is busy: 1024 inputs are waiting; try again later."}
    page.route("**/v1/emotions", lambda route: route.fulfill(status=503, json=answer))
    predict_text(page, "I am so glad.")
    assert page.inner_text(".result .problem") == answer["detail"]


def test_a_microphone_that_is_refused_is_explained(visit):
    page = visit("microphone", microphone=False)
    page.get_by_role("button", name="Start recording").click()
    page.wait_for_selector("#panel-microphone .problem")
    assert "blocked" in page.inner_text("#panel-microphone .problem")


@contextlib.contextmanager
def restarted(server):
    server.stop()
    yield
    server.start()


def test_a_server_that_is_gone_and_back_loses_nothing(visit, server):
    page = visit()
    with restarted(server):
        predict_text(page, "I am so glad.")
        assert "does not answer" in page.inner_text(".result .problem")
        page.wait_for_selector(".banner.gone")
    page.wait_for_selector(".banner.back")
    predict_text(page, page.input_value("#text"))
    page.wait_for_selector(".headline")


def test_a_recording_goes_on_while_the_server_is_gone(visit, server):
    page = visit("microphone")
    page.get_by_role("button", name="Start recording").click()
    page.wait_for_selector(".live-turns li")
    with restarted(server):
        page.wait_for_selector("text=Recording goes on")
    page.wait_for_selector(".live-turns li:nth-child(3)")
    page.get_by_role("button", name="Stop recording").click()
    page.wait_for_selector("#panel-microphone .turns")
    assert page.locator("#panel-microphone .turns tbody tr").count() >= 3


def test_the_token_is_asked_for_and_used_for_streams_too(visit, models):
    server = LiveServer(models, ServerSettings(purpose="research", token="s3cret")).start()
    try:
        page = visit_protected(visit, server.address)
        page.get_by_role("tab", name="Microphone").click()
        page.get_by_role("button", name="Start recording").click()
        page.wait_for_selector(".live-turns li")
        page.get_by_role("button", name="Stop recording").click()
        page.wait_for_selector("#panel-microphone .turns")
    finally:
        server.stop()


def visit_protected(visit, address):
    page = visit(address=address, ready="#token")
    for token in ("wrong", "s3cret"):
        page.fill("#token", token)
        page.get_by_role("button", name="Continue").click()
    page.wait_for_selector(READY)
    return page


def test_the_keyboard_alone_reaches_everything(visit):
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.get_by_role("tab", name="Text").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", selected=True).inner_text() == "Recording"
    page.keyboard.press("End")
    assert page.locator("#panel-conversation").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "conversation"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1300])
def test_axe_finds_nothing_serious_and_nothing_overflows(visit, recording, theme, width):
    page = visit(language="es-ES", color_scheme=theme, viewport={"width": width, "height": 844})
    page.locator(".chip").first.click()
    page.wait_for_selector(".headline")
    check_accessible(page, "text")
    page.locator("#tab-file").click()
    make_timeline(page, recording)
    page.locator("#panel-file .label-select").first.select_option(index=1)
    check_accessible(page, "file")
    page.locator("#tab-conversation").click()
    page.fill("#conversation", CHAT)
    page.locator("#panel-conversation .primary").click()
    page.wait_for_selector(".bubbles")
    check_accessible(page, "conversation")
    page.locator("#tab-microphone").click()
    check_accessible(page, "microphone")


def check_accessible(page, state):
    page.wait_for_timeout(600)  # bars grow
    # without preload, for which axe writes a style element that the policy forbids
    violations = axe_api.Axe().run(page, options={"preload": False}).response["violations"]
    serious = [one for one in violations if one["impact"] in ("serious", "critical")]
    assert serious == [], (state, [(one["id"], one["nodes"][0]["html"]) for one in serious])
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), state
