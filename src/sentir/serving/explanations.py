"""``/v1/explanations``: the words and moments that a prediction rests on, where the laboratory is installed."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from sentir import api
from sentir.i18n import _, get_language
from sentir.serving.errors import RequestError
from sentir.serving.explaining import why_no_explanation
from sentir.serving.models import find_model
from sentir.serving.requests import read_emotions_request
from sentir.serving.routes import EMOTIONS_BODY, error_responses
from sentir.serving.state import State

router = APIRouter()


class WordBody(BaseModel):
    """A word, and what it adds to the score of the label."""

    text: str
    value: float
    follows_without_space: bool


class PassageBody(BaseModel):
    """The words of one turn."""

    speaker: str | None
    position: str = Field(description="own, before or after: relative to the explained input.")
    words: list[WordBody]


class MomentBody(BaseModel):
    """A stretch of the clip, and how much it supports the label, relative to the strongest one."""

    time: float = Field(description="Its middle, in seconds of the clip.")
    value: float = Field(description="From 0 to 1.")


class ExplanationBody(BaseModel):
    """Why a label was predicted: integrated gradients of words, Grad-CAM over time."""

    label: str
    score: float = Field(description="Log-odds of the label, or the predicted value.")
    passages: list[PassageBody]
    moments: list[MomentBody]


@router.post(
    "/v1/explanations",
    summary="The words and moments that a prediction rests on",
    responses=error_responses(400, 401, 403, 404, 408, 413, 415, 422, 429, 501, 503),
    openapi_extra={"requestBody": EMOTIONS_BODY},
)
async def explain(
    request: Request, state: State, number: int | None = None, label: str | None = None
) -> ExplanationBody:
    """Send the inputs of `/v1/emotions`; the last one is explained, or the one of a `number` from 1."""
    inputs = await read_emotions_request(request, state.settings.limits)
    model = find_model(state.models, inputs.request.model)
    if problem := why_no_explanation(model.recognizer):
        raise RequestError(501, "no_explanations", problem)
    utterances = inputs.utterances
    position = len(utterances) if number is None else number
    if not 1 <= position <= len(utterances):
        message = _("There is no input {number}; there are {n}.", number=position, n=len(utterances))
        raise RequestError(422, "unknown_input", message)
    if model.uses_audio:
        utterances = tuple(await model.decode(utterances))
    key = utterances[position - 1].id
    dialogue = [one for one in utterances if one.dialogue == utterances[position - 1].dialogue]
    work = partial(api.explain, model.recognizer, dialogue, utterance_id=key, label=label)  # type: ignore[arg-type]
    (explanation,) = await state.explainer.submit([work], get_language())
    return _describe(explanation)


def _describe(explanation: Any) -> ExplanationBody:
    words, audio = explanation.text_attribution, explanation.audio_attribution
    passages = [] if words is None else [asdict(one) for one in words.passages]
    return ExplanationBody(
        label=explanation.label,
        score=explanation.score,
        passages=[PassageBody.model_validate(one) for one in passages],
        moments=[] if audio is None or audio.kind != "mel" else _moments(audio),
    )


def _moments(audio: Any) -> list[MomentBody]:
    """Return the mean of Grad-CAM over the bands, without the padding."""
    (cells,) = (one for one in audio.to_dict()["maps"] if one["name"] == "grad_cam")
    means = [sum(row) / len(row) for row in cells["values"]]
    largest = max(means) or 1.0
    end = float(audio.seconds[-1])
    return [
        MomentBody(time=time, value=mean / largest)
        for time, mean in zip(cells["seconds"], means, strict=True)
        if time <= end
    ]
