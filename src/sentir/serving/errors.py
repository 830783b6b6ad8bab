"""Errors as responses: ``{"code": …, "detail": …}``, one sentence in the language of the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from sentir.errors import SentirError
from sentir.i18n import _, use_language
from sentir.recipe.validation_messages import describe_error
from sentir.serving.language import choose_language

_LOCATION_TAGS = ("body", "query", "path", "<text>", "<input>", "<list>")  # no fields: members of unions


class ErrorBody(BaseModel):
    """Why a request was refused."""

    code: str = Field(description="A stable key.", examples=["body_too_large"])
    detail: str = Field(description="One sentence, in English or Spanish as `Accept-Language` says.")


class RequestError(SentirError):
    """A request that is refused.

    Args:
        status: of the response.
        code: a stable key.
        message: one sentence.
        headers: of the response.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, dict(headers or {})

    def to_response(self) -> JSONResponse:
        """Return the response."""
        body = {"code": self.code, "detail": str(self)}
        return JSONResponse(body, self.status, headers=self.headers)


def validation_error(first: Mapping[str, Any]) -> RequestError:
    """Return the error of an invalid request.

    Args:
        first: an entry of `pydantic.ValidationError.errors`.
    """
    if first["type"] == "json_invalid":
        return RequestError(400, "invalid_json", _("The body is not valid JSON."))
    location = first["loc"] if isinstance(first["loc"], tuple) else ()
    key = ".".join(str(part) for part in location if part not in _LOCATION_TAGS)
    why = _describe(first)
    if not key:
        return RequestError(422, "invalid_request", _("The request cannot be used: {why}.", why=why))
    return RequestError(422, "invalid_request", _("'{key}' cannot be used: {why}.", key=key, why=why))


def _describe(error: Mapping[str, Any]) -> str:
    kind, context = str(error["type"]), error.get("ctx", {})
    if kind.startswith("union_tag"):
        return _("give a text, an object, or a list of these")
    if kind == "extra_forbidden":
        return _("there is no such field")
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return _("give an object")
    if kind == "string_too_long":
        return _("give at most {n} characters", n=context["max_length"])
    if kind == "too_long":
        return _("give at most {n} entries", n=context["max_length"])
    return describe_error(error)


def add_error_handlers(app: FastAPI) -> None:
    """Let every error of an app become a response with a code and a sentence."""
    app.add_exception_handler(RequestError, _handle_request_error)
    app.add_exception_handler(SentirError, _handle_sentir_error)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_http_error)
    app.add_exception_handler(Exception, _handle_unexpected_error)


async def _handle_request_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestError)
    return error.to_response()


async def _handle_sentir_error(_request: Request, error: Exception) -> JSONResponse:
    return RequestError(422, "unprocessable", str(error)).to_response()


async def _handle_validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return validation_error(error.errors()[0]).to_response()


async def _handle_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code, message = "http_error", str(error.detail)
    if error.status_code == 404:
        code, message = "not_found", _("There is nothing at this address; /docs lists what there is.")
    elif error.status_code == 405:
        code, message = "method_not_allowed", _("This address does not take {method}.", method=request.method)
    return RequestError(error.status_code, code, message, error.headers).to_response()


async def _handle_unexpected_error(request: Request, _error: Exception) -> JSONResponse:
    with use_language(choose_language(request.headers.get("accept-language", ""))):
        message = _("The server failed to handle this request; its log says why.")
    return RequestError(500, "internal_error", message).to_response()
