"""Files of a folder are replaced all at once, even if a process is killed, and foreign ones are not touched."""

import json
import os
import signal
from pathlib import Path

import pytest

from sentir.atomic_folders import atomic_write_files, committed_folder, list_files, refuse_foreign_files
from sentir.errors import SentirError
from sentir.file_locks import hold_lock
from sentir.io import sync_and_rename

OLD = {
    "facts.json": "old",
    "weights": "old",
    "encoder/config": "old",
    "encoder/words": "old",
    "extra/deep/one": "old",
}
NEW = {"facts.json": "new", "weights": "new", "encoder/config": "new", "stacked/facts.json": "new"}
FOREIGN = {"notes.txt": "mine", "encoder/notes.txt": "mine"}


def owned(folder):
    return [name for name in {**OLD, **NEW} if (folder / name).is_file()]


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def read(folder):
    return {name: (folder / name).read_text() for name in list_files(folder)}


def save(folder, files):
    with atomic_write_files(folder, owned) as draft:
        write(draft, files)


def saved_files(folder):
    committed = committed_folder(folder)
    return {name: text for name, text in read(committed).items() if name not in FOREIGN and name != ".gone.json"}


def test_new_files_replace_old_ones_and_foreign_ones_stay(tmp_path):
    write(tmp_path, FOREIGN)
    save(tmp_path, OLD)
    assert read(tmp_path) == OLD | FOREIGN
    save(tmp_path, NEW)
    assert read(tmp_path) == NEW | FOREIGN
    assert not (tmp_path / "extra").exists()
    assert {path.name for path in tmp_path.iterdir()} == {name.split("/")[0] for name in NEW | FOREIGN}


CALLS = ("replace", "link", "fsync", "mkdir", "unlink", "rmdir")


def killed_at(number, folder):
    """Save in a process that is killed at its ``number``-th change of the disk; return whether it was."""
    child = os.fork()
    if not child:
        count = [0]

        def counting(call):
            def counted(*arguments, **keywords):
                count[0] += 1
                if count[0] == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **keywords)

            return counted

        for name in CALLS:
            setattr(os, name, counting(getattr(os, name)))
        save(folder, NEW)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_process_killed_at_any_change_of_the_disk_leaves_all_old_files_or_all_new_ones(tmp_path):
    states, number, killed = [], 0, True
    while killed:
        number += 1
        folder = tmp_path / str(number)
        write(folder, OLD | FOREIGN)
        killed = killed_at(number, folder)
        states.append(saved_files(folder))
        assert states[-1] in (OLD, NEW)
        assert {name: (folder / name).read_text() for name in FOREIGN} == FOREIGN
        save(folder, NEW)
        assert read(folder) == NEW | FOREIGN
        assert {path.name for path in folder.iterdir()} == {name.split("/")[0] for name in NEW | FOREIGN}
    assert number > 30 and states[0] == OLD and states[-1] == NEW
    assert states == sorted(states, key=lambda files: files == NEW), "once committed, it stays committed"


def test_files_that_a_killed_process_was_installing_are_not_foreign(tmp_path):
    def owned_by_facts(folder):
        return owned(folder) if (folder / "facts.json").is_file() else []

    number, killed = 0, True
    while killed:
        number += 1
        folder = tmp_path / str(number)
        write(folder, {"notes.txt": "mine"})
        killed = killed_at(number, folder)
        refuse_foreign_files(folder, NEW, owned_by_facts)
        with pytest.raises(SentirError, match=r"notes\.txt exists"):
            refuse_foreign_files(folder, ["notes.txt"], owned_by_facts)
    assert number > 20


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_files(tmp_path, error):
    write(tmp_path, OLD | FOREIGN)
    with pytest.raises(type(error)), atomic_write_files(tmp_path, owned) as draft:
        write(draft, {"weights": "new"})
        raise error
    assert read(tmp_path) == OLD | FOREIGN
    assert not list(tmp_path.glob(".*"))


def test_foreign_files_are_never_replaced(tmp_path):
    write(tmp_path, OLD | FOREIGN)
    with pytest.raises(SentirError, match=r"notes\.txt exists and was not written by Sentir"):
        save(tmp_path, NEW | {"encoder/notes.txt": "new"})
    assert read(tmp_path) == OLD | FOREIGN
    refuse_foreign_files(tmp_path, ["weights", "encoder", "not there"], owned)


def test_without_hard_links_files_are_copied(tmp_path, monkeypatch):
    def none(*_arguments):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("sentir.atomic_folders.os.link", none)
    write(tmp_path, OLD)
    save(tmp_path, NEW)
    assert read(tmp_path) == NEW


def test_a_second_process_waits_for_the_first_but_not_forever(tmp_path, monkeypatch):
    monkeypatch.setattr("sentir.atomic_folders._LOCK_TIMEOUT", 0.1)
    with hold_lock(tmp_path / ".saving.lock"), pytest.raises(SentirError, match="Another process"):
        save(tmp_path, NEW)


def test_a_folder_is_renamed_with_its_contents(tmp_path):
    write(tmp_path / "draft", OLD)
    sync_and_rename(tmp_path / "draft", tmp_path / "place")
    assert read(tmp_path / "place") == OLD and not (tmp_path / "draft").exists()


def test_a_committed_draft_is_the_folder_with_the_complete_files(tmp_path):
    save(tmp_path, OLD)
    draft = tmp_path / ".saved"
    write(draft, NEW)
    (draft / ".gone.json").write_text(json.dumps(["weights", "encoder/words"]))
    assert committed_folder(tmp_path) == draft and isinstance(committed_folder(tmp_path), Path)
