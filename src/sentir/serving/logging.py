"""Structured logs: one JSON object per line, of requests and of what goes wrong, never of what users send."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

logger = logging.getLogger("sentir.serving")


def log_request(**facts: Any) -> None:
    """Log a request that was answered; ``seconds`` is rounded."""
    logger.info("request", extra={"facts": {**facts, "seconds": round(facts["seconds"], 4)}})


def log_job(job_id: str, status: str, seconds: float) -> None:
    """Log a job that has ended."""
    logger.info("job", extra={"facts": {"job": job_id, "status": status, "seconds": round(seconds, 4)}})


class JsonFormatter(logging.Formatter):
    """Formats records as JSON; of exceptions the type and the lines of code, as messages may quote an input."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["traceback"] = [f"{one.filename}:{one.lineno} {one.name}" for one in frames]
        return json.dumps(line, ensure_ascii=False)


class AddressFilter(logging.Filter):
    """Drops uvicorn's lines on WebSockets, whose addresses have the session of a stream."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is kept."""
        return "WebSocket %s" not in str(record.msg)


def make_log_config() -> dict[str, Any]:
    """Return the configuration of `logging` for the server: its own log and uvicorn's, on standard error.

    The warnings of predictions are not logged: clients get them as notes. Nor are those of other packages, which
    may quote a request.
    """
    handler = {
        "class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr",
        "filters": ["addresses"],
    }  # fmt: skip
    names = {"sentir": "ERROR", "sentir.serving": "INFO", "uvicorn": "INFO", "uvicorn.access": "WARNING"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "filters": {"addresses": {"()": AddressFilter}},
        "handlers": {"stderr": handler},
        "root": {"level": "ERROR", "handlers": ["stderr"]},
        "loggers": {
            name: {"level": level, "handlers": ["stderr"], "propagate": False} for name, level in names.items()
        },
    }
