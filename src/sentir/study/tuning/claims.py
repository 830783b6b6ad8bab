"""The lock under which the processes that share a storage claim trials, one after another.

Files of a folder that they share, or a row of their database: the server lets go of it when a connection ends, on
whichever machine its process ran.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.storages import BaseStorage, RDBStorage

from sentir.file_locks import SILENCE_SECONDS, hold_lock

_ROW = "sentir_claims"  # a user attribute of the study
_ATTRIBUTES = sa.table("study_user_attributes", sa.column("study_id"), sa.column("key"))


def hold_claim_lock(study: optuna.Study, storage: BaseStorage, folder: Path) -> AbstractContextManager[Any]:
    """Return a context that no two processes of a storage are in at once.

    Args:
        study: whose trials are claimed.
        storage: of the trials.
        folder: that processes share which have no database server.
    """
    if not isinstance(storage, RDBStorage):
        return hold_lock(folder / "claim.lock", timeout=math.inf)
    url = storage.engine.url
    if url.get_backend_name() != "sqlite":
        return _hold_row(study, storage.engine)
    path = Path(url.database) if url.database not in (None, "", ":memory:") else folder / "claim"
    return hold_lock(path.with_name(f"{path.name}.lock"), timeout=math.inf)


@contextmanager
def _hold_row(study: optuna.Study, engine: sa.Engine) -> Iterator[None]:
    """Hold a row of Optuna's that nothing else locks."""
    if _ROW not in study.user_attrs:
        study.set_user_attr(_ROW, "locked while a trial is claimed")
    row = (_ATTRIBUTES.c.study_id == study._study_id) & (_ATTRIBUTES.c.key == _ROW)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # also if the machine of the process is lost, and so says nothing
            limit = sa.text(f"SET LOCAL idle_in_transaction_session_timeout = '{SILENCE_SECONDS}s'")
            connection.execute(limit)
        connection.execute(sa.select(_ATTRIBUTES.c.study_id).where(row).with_for_update()).one()
        yield
