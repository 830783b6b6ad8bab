"""The body of a request → inputs with their uploaded files → utterances."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from pydantic import ValidationError
from python_multipart.exceptions import MultipartParseError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from sentir.audio.memory import clip_from_bytes
from sentir.corpus.utterances import Utterance
from sentir.i18n import _
from sentir.serving.errors import RequestError, validation_error
from sentir.serving.schemas import MAX_NAME, EmotionsRequest, Input
from sentir.serving.settings import Limits

REQUEST_FIELD = "request"  # of a form, with the JSON of a request
ENROLL_FIELD = "enroll"  # of a form, with clips of the speaker
ENROLL_SCHEMA = {
    "type": "array",
    "items": {"type": "string", "format": "binary"},
    "description": "Clips of one speaker, without labels, by which a model with speaker normalization normalizes "
    "all inputs.",
}
_MAX_FIELDS = 8


@dataclass(frozen=True, slots=True)
class EmotionsInputs:
    """The inputs of a request.

    Attributes:
        request: as validated.
        ids: of the inputs, those that were given or ``text1``, ``audio1``, ``item1`` by position.
        utterances: with ids and dialogues that no other request has.
        enroll: clips of the one speaker whom all inputs are normalized by.
    """

    request: EmotionsRequest
    ids: tuple[str, ...]
    utterances: tuple[Utterance, ...]
    enroll: tuple[Utterance, ...] = ()


async def read_emotions_request(request: Request, limits: Limits) -> EmotionsInputs:
    """Read JSON, or a form with files and the JSON in its field ``request``.

    Raises:
        RequestError: if it is neither, or beyond the limits.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return make_inputs(parse_request(await request.body()), {}, limits)
    if kind != "multipart/form-data":
        raise RequestError(415, "unsupported_media_type", _("Send application/json or multipart/form-data."))
    form = await read_form(request, limits)
    try:
        files = await _read_files(form)
        body = form.get(REQUEST_FIELD, "{}")
        inputs = make_inputs(parse_request(body if isinstance(body, str) else await body.read()), files, limits)
        return replace(inputs, enroll=await read_enroll_clips(form))
    finally:
        await form.close()


async def read_form(request: Request, limits: Limits) -> FormData:
    """Parse a form.

    Raises:
        RequestError: if it is damaged, or has too many files or fields.
    """
    try:
        return await request.form(
            max_files=limits.max_files, max_fields=_MAX_FIELDS, max_part_size=limits.max_body_bytes
        )
    except HTTPException as error:
        if str(error.detail).startswith("Too many files"):
            raise RequestError(
                413, "too_many_files", _("A request takes at most {n} files.", n=limits.max_files)
            ) from error
        raise _invalid_form() from error
    except (MultipartParseError, UnicodeDecodeError, KeyError) as error:  # KeyError: no boundary
        raise _invalid_form() from error


def _invalid_form() -> RequestError:
    return RequestError(400, "invalid_form", _("The body is not a valid form (multipart/form-data)."))


async def _read_files(form: FormData) -> dict[str, bytes]:
    """Return name → content of the uploaded files."""
    files: dict[str, bytes] = {}
    for field, value in form.multi_items():
        if not isinstance(value, UploadFile) or field in (REQUEST_FIELD, ENROLL_FIELD):
            continue
        name = (value.filename or field)[:MAX_NAME]
        if name in files:
            raise RequestError(
                422, "duplicate_file", _("The file {name} is uploaded twice.", name=json.dumps(name))
            )
        files[name] = await value.read()
    return files


def parse_request(body: bytes | str) -> EmotionsRequest:
    """Validate JSON.

    Raises:
        RequestError: naming what is wrong.
    """
    try:
        return EmotionsRequest.model_validate_json(body)
    except ValidationError as error:
        raise validation_error(error.errors()[0]) from None  # type: ignore[arg-type]


def make_inputs(request: EmotionsRequest, files: Mapping[str, bytes], limits: Limits) -> EmotionsInputs:
    """Return the utterances of a request; files that no input names are inputs of their own, in order.

    Raises:
        RequestError: if there are none or too many, a text is too long, or an input names a file that there is
            not, or has neither text nor audio.
    """
    listed = request.inputs if isinstance(request.inputs, list) else [request.inputs]
    named = {one.audio for one in listed if isinstance(one, Input)}
    items = [*listed, *(Input(audio=name, id=name) for name in files if name not in named)]
    if not items:
        raise RequestError(422, "no_inputs", _("There are no inputs; give 'inputs', or upload files."))
    if len(items) > limits.max_inputs:
        raise RequestError(422, "too_many_inputs", _("A request takes at most {n} inputs.", n=limits.max_inputs))
    scope, turns = uuid4().hex, Counter[str]()
    pairs = [_make_utterance(n, item, files, scope, turns) for n, item in enumerate(items, start=1)]
    _check_texts([utterance for _id, utterance in pairs], limits)
    return EmotionsInputs(request, tuple(key for key, _u in pairs), tuple(u for _id, u in pairs))


def _make_utterance(
    number: int, item: str | Input, files: Mapping[str, bytes], scope: str, turns: Counter[str]
) -> tuple[str, Utterance]:
    key = f"{scope}/{number}"
    if isinstance(item, str):
        return f"text{number}", Utterance(key, dialogue=key, text=item)
    if item.text is None and item.audio is None:
        raise RequestError(422, "empty_input", _("Input {number} has neither 'text' nor 'audio'.", number=number))
    if item.audio is not None and item.audio not in files:
        raise RequestError(
            422, "missing_file",
            _("Input {number} names a file that was not uploaded: {name}.", number=number,
              name=json.dumps(item.audio)),
        )  # fmt: skip
    if item.start is not None and item.end is not None and item.end <= item.start:
        raise RequestError(422, "invalid_times", _("Input {number} ends before it starts.", number=number))
    dialogue = key if item.dialogue is None else f"{scope}/dialogue {item.dialogue}"
    turn, turns[dialogue] = turns[dialogue], turns[dialogue] + 1
    clip = None
    if item.audio is not None:  # the client's name could be that of a file here
        clip = clip_from_bytes(f"audio{number}", files[item.audio], item.start, item.end)
    utterance = Utterance(
        key,
        dialogue=dialogue,
        turn=turn,
        speaker=item.speaker,
        text=item.text,
        clip=clip,
        numeric_features=item.features,
    )
    return item.id or f"{'item' if item.text is not None else 'audio'}{number}", utterance


async def read_enroll_clips(form: FormData) -> tuple[Utterance, ...]:
    """Return the clips of a form by whose speaker inputs are normalized."""
    clips = [await one.read() for one in form.getlist(ENROLL_FIELD) if isinstance(one, UploadFile)]
    return tuple(_make_enroll_clip(n, clip) for n, clip in enumerate(clips, start=1))


def _make_enroll_clip(number: int, content: bytes) -> Utterance:
    key = f"{uuid4().hex}/enroll"
    return Utterance(key, dialogue=key, clip=clip_from_bytes(f"enroll{number}", content))


def _check_texts(utterances: Sequence[Utterance], limits: Limits) -> None:
    for number, u in enumerate(utterances, start=1):
        if len(u.text or "") > limits.max_characters:
            raise RequestError(
                422, "text_too_long",
                _("The text of input {number} has more than {n} characters.", number=number,
                  n=limits.max_characters),
            )  # fmt: skip
