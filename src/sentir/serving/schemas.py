"""Requests and responses, as the OpenAPI document describes them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, FiniteFloat, Tag

from sentir.corpus.predictions import Prediction

MAX_NAME = 200  # characters of a name
_NAME = Field(default=None, max_length=MAX_NAME)


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Input(_Request):
    """A text, a clip or both; those with the same dialogue are its turns, in order."""

    text: str | None = None
    audio: str | None = Field(default=None, max_length=MAX_NAME, description="The name of an uploaded file.")
    start: FiniteFloat | None = Field(default=None, ge=0, description="Of the clip, in seconds.")
    end: FiniteFloat | None = Field(default=None, gt=0, description="Of the clip, in seconds.")
    speaker: str | None = _NAME
    dialogue: str | None = _NAME
    id: str | None = _NAME
    features: dict[str, FiniteFloat] = Field(
        default_factory=dict, max_length=1000, description="Numeric features that the model was trained with."
    )


def _input_tag(value: Any) -> str | None:
    """Return which member of a union a value is, so that an error is about that member alone."""
    tags: dict[type, str] = {str: "<text>", dict: "<input>", Input: "<input>", list: "<list>"}
    return tags.get(type(value))


_OneInput = Annotated[str, Tag("<text>")] | Annotated[Input, Tag("<input>")]
_Listed = Annotated[_OneInput, Discriminator(_input_tag)]


class EmotionsRequest(_Request):
    """Inputs to predict."""

    model: str | None = Field(
        default=None, max_length=MAX_NAME, description="Name of the model; needed if several are served."
    )
    inputs: Annotated[_OneInput | Annotated[list[_Listed], Tag("<list>")], Discriminator(_input_tag)] = Field(
        default_factory=list, description="Texts, clips and turns of dialogues."
    )
    abstain: bool = Field(
        default=False, description="Whether predictions say if their confidence is below the model's threshold."
    )
    max_error: FiniteFloat | None = Field(
        default=None, gt=0, lt=1, description="Abstain so that on dev at most this share of the rest was wrong."
    )


class TaskPredictionBody(BaseModel):
    """The prediction of an auxiliary task."""

    label: str | None
    labels: list[str]
    probabilities: dict[str, float]
    values: dict[str, float]


class PredictionBody(TaskPredictionBody):
    """The prediction of one input; see `sentir.Prediction`."""

    id: str
    confidence: float | None
    abstain: bool | None
    other_tasks: dict[str, TaskPredictionBody]
    modalities: list[str]
    notes: list[str] = Field(description="What makes it less reliable, a sentence each.")
    problem: str = Field(description="Why there is no prediction; empty if there is one.")


class EmotionsResponse(BaseModel):
    """Predictions in the order of the inputs."""

    model: str
    task: str
    synthetic: bool = Field(description="Whether the model was trained on synthetic data.")
    predictions: list[PredictionBody]


class ModelBody(BaseModel):
    """A model that is served."""

    name: str
    task: str
    kind: str = Field(description="single, multi or regression.")
    labels: list[str]
    modalities: list[str]
    optional_modalities: list[str]
    languages: list[str] = Field(description="Of its text encoder; empty if not known.")
    auxiliary_tasks: list[str]
    synthetic: bool
    confidence_threshold: float | None = Field(description="Predictions below it abstain; none if it cannot.")
    has_speaker_normalization: bool = Field(description="Whether it takes clips to `enroll`.")
    can_explain: bool = Field(description="Whether `/v1/explanations` explains its predictions here.")
    is_emotion_recognition_system: bool = Field(
        description="Whether it uses biometric data: Regulation (EU) 2024/1689, Art. 3(39)."
    )


class ModelsResponse(BaseModel):
    """The models that are served."""

    models: list[ModelBody]
    purpose: str = Field(description="The declared purpose; empty if none.")


class LimitsResponse(BaseModel):
    """How much the server takes."""

    max_body_bytes: int
    max_files: int
    max_inputs: int
    max_characters: int
    max_seconds: float = Field(description="Of an uploaded clip.")
    max_recording_seconds: float = Field(description="Of a recording or stream whose timeline is made.")


class NoticeResponse(BaseModel):
    """The text that people exposed to the models are to be shown."""

    language: str
    text: str


EXAMPLES: dict[str, Any] = {
    "text": {"summary": "One text", "value": {"inputs": "I can't believe you did that!"}},
    "batch": {"summary": "Several texts", "value": {"inputs": ["What a day!", "Leave me alone."]}},
    "conversation": {
        "summary": "A conversation",
        "value": {
            "inputs": [
                {"text": "You broke it.", "speaker": "Ana", "dialogue": "call-1"},
                {"text": "I am so sorry!", "speaker": "Ben", "dialogue": "call-1"},
            ]
        },
    },
}


def prediction_body(prediction: Prediction, given_id: str) -> PredictionBody:
    """Return a prediction with the id that the client gave."""
    other_tasks = {
        task: TaskPredictionBody(
            label=one.label, labels=list(one.labels), probabilities=one.probabilities, values=one.values
        )
        for task, one in prediction.other_tasks.items()
    }
    return PredictionBody(
        id=given_id,
        label=prediction.label,
        labels=list(prediction.labels),
        probabilities=prediction.probabilities,
        values=prediction.values,
        confidence=prediction.confidence,
        abstain=prediction.abstain,
        other_tasks=other_tasks,
        modalities=list(prediction.modalities),
        notes=list(prediction.notes),
        problem=prediction.problem,
    )
