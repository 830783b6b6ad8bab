"""Storage of trials, so that several processes can share them and a killed process loses none.

By default a journal of JSON lines in the run's folder, where every process shows that it lives: a running trial
whose process does not was interrupted. Or any database that SQLAlchemy supports, with a heartbeat in it instead,
since its processes may share no folder.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import optuna
from optuna.exceptions import ExperimentalWarning, OptunaError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError

from sentir.errors import SentirError
from sentir.file_locks import SILENCE_SECONDS, delete_absent, hold_presence, is_present, make_presence_name
from sentir.i18n import _
from sentir.io import delete_stale_files
from sentir.study.tuning.claims import hold_claim_lock
from sentir.study.tuning.sampling import EarlierTrials

T = TypeVar("T")
JOURNAL_FILE, _WORKERS_FOLDER = "trials.jsonl", ".workers"
_WORKER_ATTR, FAILURE_REASON, _REPEATS_ATTR = "worker", "failure_reason", "repeats"  # user attributes of a trial
_HEARTBEAT_SECONDS = 20
_RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0)


def open_storage(folder: Path, url: str | None) -> BaseStorage:
    """Open the journal in a folder, or the database at a URL.

    Raises:
        SentirError: if it cannot be opened; a password in the URL is not shown.
    """
    if url is not None:
        with database_errors(url), _ignore_experimental_warning():
            return _open_database(url)
    path = folder / JOURNAL_FILE
    lock = JournalFileOpenLock(str(path))
    delete_stale_files(path.parent.glob(f"{path.name}.lock*.rename"))  # of processes killed while releasing it
    _drop_incomplete_line(path, lock)
    try:
        return JournalStorage(JournalFileBackend(str(path), lock))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SentirError(
            _("{path} is damaged ({why}); delete it to start over, or give another --out.", path=path, why=error)
        ) from error


def _open_database(url: str) -> RDBStorage:
    """Open a database, and make its tables; again if another process made one of them in the meantime."""
    for seconds in _RETRY_SECONDS:
        try:
            return RDBStorage(url, heartbeat_interval=_HEARTBEAT_SECONDS, grace_period=SILENCE_SECONDS)
        except DBAPIError as error:
            is_race = isinstance(error, (IntegrityError, ProgrammingError)) or "already exists" in str(error)
            if not is_race:
                raise
        time.sleep(seconds)
    return RDBStorage(url, heartbeat_interval=_HEARTBEAT_SECONDS, grace_period=SILENCE_SECONDS)


def _drop_incomplete_line(path: Path, lock: JournalFileOpenLock) -> None:
    """Remove an incomplete last line, as a crash may leave it; the next line would be lost with it."""
    if not path.is_file():
        return
    lock.acquire()
    try:
        content = path.read_bytes()
        if not content.endswith(b"\n"):
            os.truncate(path, content.rfind(b"\n") + 1)
    finally:
        lock.release()


@contextmanager
def _ignore_experimental_warning() -> Iterator[None]:
    """Hide Optuna's warning that its heartbeat is experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


@contextmanager
def database_errors(url: str | None) -> Iterator[None]:
    """Turn errors of a database into one sentence.

    Raises:
        SentirError: with the cause, without the password of the URL.
    """
    try:
        yield
    except (SQLAlchemyError, OptunaError, ImportError) as error:
        if url is None:
            raise
        cause = error.__cause__ if isinstance(error, OptunaError) and error.__cause__ else error
        why = str(cause).splitlines()[0].rstrip(".")
        raise SentirError(
            _("The storage {url} cannot be used ({why}); give a URL such as sqlite:///trials.db.",
              url=_without_password(url), why=why)
        ) from error  # fmt: skip


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (SQLAlchemyError, ValueError):
        return url.rpartition("@")[2]


def is_interrupted(trial: FrozenTrial) -> bool:
    """Return whether a trial was interrupted: it failed without a recorded reason."""
    return trial.state == TrialState.FAIL and FAILURE_REASON not in trial.user_attrs


class Worker:
    """One of the processes that share a storage.

    Args:
        study: the Optuna study.
        storage: its storage.
        folder: folder of the run; processes that share it notice at once when another one dies.
        concurrency: n, if the k-th trial shall be influenced by the first k - n trials alone; 1 for all that have
            finished.
    """

    def __init__(self, study: optuna.Study, storage: BaseStorage, folder: Path, concurrency: int = 1) -> None:
        self._study, self._storage, self._folder = study, storage, folder / _WORKERS_FOLDER
        self._uses_file_locks = isinstance(storage, JournalStorage)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._name, self._concurrency = make_presence_name(), concurrency
        self._alive_lock, self._claim_lock = ExitStack(), ExitStack()
        self._claimed = -1

    def __enter__(self) -> Worker:
        delete_absent(self._folder)
        self._alive_lock.enter_context(hold_presence(self._folder, self._name))
        return self

    def __exit__(self, *_error: object) -> None:
        self._alive_lock.close()

    def trials(self) -> list[FrozenTrial]:
        """Return all trials except interrupted ones, which are repeated."""
        return [trial for trial in self._study.get_trials(deepcopy=False) if not is_interrupted(trial)]

    def trial_index(self, trial: FrozenTrial) -> int:
        """Return the number of trials before this one, without interrupted ones."""
        return sum(other.number < trial.number for other in self.trials())

    def visible_study(self, study: optuna.Study, trial: FrozenTrial) -> optuna.Study:
        """Return the study with only the trials that may influence a trial."""
        if self._concurrency == 1:
            return study
        visible = self.trials()[: max(0, self.trial_index(trial) + 1 - self._concurrency)]
        return EarlierTrials(study, visible[-1].number + 1 if visible else 0)

    def is_ready(self, trials: Sequence[FrozenTrial], *, can_add: bool) -> bool:
        """Return whether a trial can start: an interrupted one, or a new one if one can be added.

        With concurrency, the trials that influence a new one must have finished.
        """
        if any(trial.state == TrialState.WAITING for trial in trials):
            return True
        visible = trials[: max(0, len(trials) + 1 - self._concurrency)] if self._concurrency > 1 else ()
        return can_add and all(trial.state.is_finished() for trial in visible)

    @contextmanager
    def claiming(self) -> Iterator[list[FrozenTrial]]:
        """Requeue interrupted trials and yield all trials; until `claim`, no other process can claim one."""
        with self._claim_lock:
            self._claim_lock.enter_context(hold_claim_lock(self._study, self._storage, self._folder))
            self._requeue_interrupted()
            yield self.trials()

    def claim(self, trial: Trial, suggest: Callable[[], T]) -> T:
        """Sample the settings of a trial, mark it as claimed by this process, and let others claim theirs."""
        settings = suggest()  # until the name is set, whoever holds the lock knows that this process died
        if isinstance(self._storage, RDBStorage):  # by now Optuna's thread may not have
            self._storage.record_heartbeat(trial._trial_id)
        trial.set_user_attr(_WORKER_ATTR, self._name)
        self._claimed = trial.number
        self._claim_lock.close()
        return settings

    def has_lost_trial(self) -> bool:
        """Return whether others took the last trial as interrupted, as this process was suspended for a while."""
        return self._claimed >= 0 and is_interrupted(self._study.get_trials(deepcopy=False)[self._claimed])

    def _requeue_interrupted(self) -> None:
        with _ignore_experimental_warning():
            optuna.storages.fail_stale_trials(self._study)
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if self._is_dead(trial.user_attrs.get(_WORKER_ATTR)):
                self._study.tell(trial.number, state=TrialState.FAIL)
        trials = self._study.get_trials(deepcopy=False)
        repeated = {trial.user_attrs.get(_REPEATS_ATTR) for trial in trials}
        for trial in trials:
            if is_interrupted(trial) and trial.number not in repeated:
                self._study.enqueue_trial(trial.params, user_attrs={_REPEATS_ATTR: trial.number})

    def _is_dead(self, worker: str | None) -> bool:
        """Return whether a worker has ended; one without a name ended while it claimed, as this one does now."""
        if worker is None:
            return True
        return self._uses_file_locks and worker != self._name and not is_present(self._folder, worker)
