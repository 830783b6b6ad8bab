"""What the page says: its messages, the names and colors of labels, and the formats of timelines, by language."""

from __future__ import annotations

from typing import Any

from sentir.display_names import display_name
from sentir.i18n import _, get_language, gettext_noop
from sentir.optional_dependencies import is_installed
from sentir.timelines.colors import KNOWN_COLORS, OTHER_COLORS
from sentir.timelines.formats import FORMATS

_TASKS = ("emotion", "sentiment", "sentiment_intensity")
_FORMAT_TITLES = {
    "csv": gettext_noop("Table"),
    "srt": gettext_noop("Subtitles"),
    "vtt": gettext_noop("Web subtitles"),
    "json": gettext_noop("Everything"),
    "html": gettext_noop("Web page"),
    "eaf": "ELAN",
    "textgrid": "Praat",
    "labelstudio": "Label Studio",
    "txt": gettext_noop("Plain text"),
    "jsonl": gettext_noop("A line per turn"),
    "rttm": gettext_noop("Speakers and times"),
    "parquet": gettext_noop("Table for programs"),
}
MESSAGES = {
    # around the panels
    "skip": gettext_noop("Skip to the content"),
    "language": gettext_noop("Language"),
    "theme.switch": gettext_noop("Switch between light and dark"),
    "title": gettext_noop("What emotion does it express?"),
    "lead": gettext_noop(
        "Type, drop a recording or speak. Sentir estimates the emotion that people would perceive, and "
        "says when it is not sure."
    ),
    "tabs": gettext_noop("What to analyze"),
    "tab.text": gettext_noop("Text"),
    "tab.file": gettext_noop("Recording"),
    "tab.microphone": gettext_noop("Microphone"),
    "tab.conversation": gettext_noop("Conversation"),
    "stays": gettext_noop("Nothing leaves this server, and nothing is kept."),
    "offline": gettext_noop("The server does not answer. Trying again …"),
    "online": gettext_noop("The server is back."),
    "error.offline": gettext_noop(
        "The server does not answer. What you entered is still here; try again when it is back."
    ),
    "error.server": gettext_noop("The server failed (status {status}); try again."),
    "cancel": gettext_noop("Cancel"),
    "predict": gettext_noop("Recognize"),
    "token.title": gettext_noop("This server is protected"),
    "token.why": gettext_noop("Enter the token that you were given. It is kept until you close this tab."),
    "token.wrong": gettext_noop("That token is not the right one. Check it and try again."),
    "token.label": gettext_noop("Token"),
    "token.send": gettext_noop("Continue"),
    # models
    "model.label": gettext_noop("Model"),
    "model.languages": gettext_noop("Trained on {languages}."),
    "model.other_languages": gettext_noop("It abstains on texts in other languages."),
    "model.synthetic": gettext_noop("Trained on synthetic voices, to try things out."),
    "synthetic": gettext_noop(
        "This model learned from synthetic data. It shows how Sentir works; its predictions on real "
        "people mean nothing."
    ),
    # predictions
    "confidence": gettext_noop("{share} confidence"),
    "label.none": gettext_noop("none of them"),
    "unsure": gettext_noop("Not sure"),
    "unsure.closest": gettext_noop("Closest: {label}, with {share} confidence."),
    "unsure.question": gettext_noop("What does this mean?"),
    "unsure.answer": gettext_noop(
        "When the model is less confident than a threshold, it abstains instead of guessing. The "
        "threshold was set on data that it had not learned from; below it, it is wrong much more often."
    ),
    "explain": gettext_noop("Why?"),
    "explain.title": gettext_noop("What counted for {label}"),
    "explain.for": gettext_noop("supports {label}"),
    "explain.against": gettext_noop("speaks against it"),
    "explain.moment": gettext_noop("The moment around {time} counted most for {label}."),
    "explain.caution": gettext_noop("This shows what the model reacted to, not why a person feels something."),
    # text
    "text.label": gettext_noop("Your text"),
    "text.placeholder": gettext_noop("Type or paste something that somebody said or wrote …"),
    "text.empty": gettext_noop("The emotions appear here."),
    "result": gettext_noop("Result"),
    "text.no_model": gettext_noop("None of the models on this server takes texts."),
    "examples": gettext_noop("Or try an example:"),
    # recordings
    "file.drop": gettext_noop("Drop a recording here"),
    "file.choose": gettext_noop("Choose a file"),
    "file.kinds": gettext_noop("Audio or video, up to {n} MB"),
    "file.too_large": gettext_noop(
        "{name} has {n} MB; this server takes at most {limit}. Cut it, or save it as .mp3."
    ),
    "file.turns": gettext_noop("I have subtitles or turns"),
    "file.turns_why": gettext_noop(
        "With the words and speakers of a recording, models that take text can be used. Choose this file "
        "first, then the recording."
    ),
    "file.turns_choose": gettext_noop("Subtitles or annotations"),
    "job.running": gettext_noop("Recognizing {name}, turn by turn …"),
    "job.cancelled": gettext_noop("Canceled."),
    "audio.no_model": gettext_noop("None of the models on this server takes audio."),
    "audio.no_model_how": gettext_noop("Start the server with one: sentir serve MODEL --purpose research"),
    # clips of a voice
    "voice.title": gettext_noop("Know my voice first"),
    "voice.why": gettext_noop(
        "Give about four short clips in which the person speaks calmly: emotions are then judged by how this "
        "voice usually sounds. For recordings of one person. The clips stay in this page until you close it, and "
        "are sent along with each recording."
    ),
    "voice.live": gettext_noop("The live view does not use them; the result after it does."),
    "voice.choose": gettext_noop("Choose clips"),
    "voice.record": gettext_noop("Record a clip"),
    "voice.stop": gettext_noop("Stop the clip"),
    "voice.clips": gettext_noop("Clips of the voice"),
    "voice.recorded": gettext_noop("Recorded clip {n}"),
    "voice.remove": gettext_noop("Remove {name}"),
    "voice.remove_short": gettext_noop("Remove"),
    "voice.used": gettext_noop("judged by {n} clips of the voice"),
    "voice.used_one": gettext_noop("judged by {n} clip of the voice"),
    "voice.too_large": gettext_noop(
        "With the clips of the voice, the recording is too large for this server; this result does not use them."
    ),
    # microphone
    "microphone.start": gettext_noop("Start recording"),
    "microphone.asking": gettext_noop("Allow the microphone in your browser …"),
    "microphone.stop": gettext_noop("Stop recording"),
    "microphone.finishing": gettext_noop("Putting it together …"),
    "microphone.lost": gettext_noop(
        "The connection was lost. Recording goes on; it is sent when the server is back."
    ),
    "microphone.consent": gettext_noop("Record only people who know about it and agree."),
    "microphone.name": gettext_noop("recording"),
    "microphone.refused": gettext_noop(
        "The microphone is blocked. Allow it in the settings of your browser for this page, and start again."
    ),
    "microphone.missing": gettext_noop("No microphone was found. Connect one, and start again."),
    "microphone.busy": gettext_noop("Another program is using the microphone. Close it, and start again."),
    "microphone.failed": gettext_noop("The microphone could not be started."),
    "microphone.insecure": gettext_noop(
        "Browsers allow the microphone only over HTTPS or on this machine. Open the page that way, or "
        "record to a file."
    ),
    "live.now": gettext_noop("Now"),
    "live.last": gettext_noop("Last turn"),
    "live.turns": gettext_noop("Turns so far"),
    "live.waiting": gettext_noop("Waiting for somebody to speak …"),
    "live.hearing": gettext_noop("Somebody is speaking …"),
    # conversations
    "conversation.label": gettext_noop("A conversation"),
    "conversation.how": gettext_noop(
        "A turn per line, with its speaker: “Ana: I got it!”. Subtitles and JSON lines can be pasted or "
        "opened too."
    ),
    "conversation.placeholder": gettext_noop("Ana: Did you hear?\nBen: No, what happened?"),
    "conversation.example": gettext_noop("Try an example"),
    "conversation.open": gettext_noop("Open a file"),
    "conversation.name": gettext_noop("conversation"),
    # timelines
    "timeline.title": gettext_noop("Timeline"),
    "timeline.empty": gettext_noop("No speech was found."),
    "timeline.turn": gettext_noop("{n} turn"),
    "timeline.turns": gettext_noop("{n} turns"),
    "timeline.model": gettext_noop("model {name}"),
    "play": gettext_noop("Play"),
    "pause": gettext_noop("Pause"),
    "spectrogram": gettext_noop("Spectrogram"),
    "player.cannot_play": gettext_noop("Your browser cannot play this file; the turns are below."),
    "course.title": gettext_noop("Course of emotions"),
    "view.label": gettext_noop("View"),
    "view.table": gettext_noop("Table"),
    "view.conversation": gettext_noop("Conversation"),
    "turns.table": gettext_noop("Turns with their emotions"),
    "turns.conversation": gettext_noop("The conversation with its emotions"),
    "turns.hint": gettext_noop("A label is wrong? Choose another one; downloads have your corrections."),
    "turns.time": gettext_noop("Time"),
    "turns.speaker": gettext_noop("Speaker"),
    "turns.text": gettext_noop("What was said"),
    "turns.emotion": gettext_noop("Emotion"),
    "turns.confidence": gettext_noop("Confidence"),
    "turns.more": gettext_noop("More"),
    "turns.notes": gettext_noop("Notes"),
    "turns.play": gettext_noop("Play from {time}"),
    "turns.correct": gettext_noop("Emotion of turn {n}"),
    "corrected": gettext_noop("corrected"),
    "corrected.undo": gettext_noop("Undo the correction of turn {n}"),
    "corrected.note": gettext_noop("Corrected by hand; predicted: {was}."),
    "corrected.count": gettext_noop("Corrections: {n}"),
    "download.as": gettext_noop("Download as"),
    "download": gettext_noop("Download"),
}


def make_catalog() -> dict[str, Any]:
    """Return what the page needs to know of the current language."""
    return {
        "language": get_language(),
        "messages": {key: _(message) for key, message in MESSAGES.items()},
        "names": {key: display_name(key) for key in (*KNOWN_COLORS, *_TASKS)},
        "colors": {"known": KNOWN_COLORS, "others": OTHER_COLORS},
        "formats": [
            {"name": name, "title": _(title), "suffix": one.suffix, "needs_times": one.needs_times}
            for name, title in _FORMAT_TITLES.items()
            for one in (FORMATS[name],)
            if name != "parquet" or is_installed("pyarrow")
        ],
    }
