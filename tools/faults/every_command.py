"""Faults of the machine under every command: full disk, no permission, no home, vanished files, little memory.

Whatever happens, a command ends with its result or with one sentence, which names the file and says what to do.
It prints no traceback and is not ended by a signal, and older files keep their content.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from faults.commands import Done, home_folder, preload, run
from faults.frame import Case
from faults.inputs import Inputs, shared_inputs
from faults.snapshots import Snapshot, describe_difference, take_snapshot

_LEFTOVER = re.compile(r"(^|/)(\.[^/]*\.part(\.[^/]*)?|\.saving-[^/]*|\.written)(/|$)")
_VERBS = "check choose close correct delete free give install make mend move name put raise reduce run set use"
_ADVICE = re.compile(rf"\b({'|'.join(_VERBS.split())})\b", re.I)

Arguments = Callable[[Inputs], list[object]]


def _on_corpus(verb: str, recipe: str, *options: object) -> Arguments:
    return lambda inputs: [*verb.split(), inputs.recipe(recipe), "--root", inputs.root, *options]


COMMANDS: dict[str, Arguments] = {
    "predict": lambda i: ["predict", i.model("text"), i.table, "--out", "predictions.csv"],
    "predict parquet": lambda i: ["predict", i.model("text"), i.table, "--out", "predictions.parquet"],
    "predict audio": lambda i: ["predict", i.model("audio"), i.root / "clips", "--out", "predictions.jsonl"],
    "embed": lambda i: ["embed", i.model("text"), i.table, "--out", "vectors.npy"],
    "timeline": lambda i: ["timeline", i.model("audio"), i.recording, "--out", "timelines", "--format", "srt",
                           "--format", "parquet", "--voice-activity", "energy", "--workers", 1],
    "prepare": _on_corpus("corpus prepare", "audio", "--out", "store", "--workers", 1),
    "audit": _on_corpus("corpus audit", "audio", "--html", "audit.html", "--workers", 1),
    "init": lambda i: ["corpus", "init", i.table, "--out", "own.toml", "--force"],
    "corpus export": _on_corpus("corpus export", "text", "--out", "rows.csv"),
    "redraw": _on_corpus("corpus redraw", "unsplit", "--reason", "check"),
    "show": lambda i: ["corpus", "show", "tiny/train/dia0/utt0", "--corpus", i.recipe("audio"), "--root", i.root,
                       "--figure", "mel.png"],
    "clean": _on_corpus("corpus clean", "text"),
    "train": _on_corpus("train", "text", "--out", "model"),
    "train audio": _on_corpus("train", "audio", "--out", "model"),
    "study": _on_corpus("study", "study", "--out", "run", "--accept-grade", "--workers", 1),
    "tune": _on_corpus("tune", "tune", "--out", "run"),
    "evaluate": lambda i: ["evaluate", i.model("text"), "--root", i.root, "--split", "test", "--reason", "check"],
    "compare": lambda i: ["compare", i.model("text"), i.model("audio"), "--root", i.root],
    "explain": lambda i: ["explain", i.model("text"), "--text", "I am happy", "--html", "why.html"],
    "export": lambda i: ["export", i.model("text"), "--root", i.root, "--out", "exported"],
    "card": lambda i: ["card", i.model("text"), "--out", "card.md"],
    "doctor": lambda i: ["doctor", "--offline"],
    "cache ls": lambda i: ["cache", "ls"],
    "cache prune": lambda i: ["cache", "prune", "--max-gb", 0],
}  # fmt: skip
"""Commands that end by themselves within seconds and need no network, with all that they can write."""


@dataclass
class Scene:
    """Where a command runs under a fault.

    Attributes:
        inputs: what it is given.
        whole: what an undisturbed run wrote.
        work: its working folder, which may hold the results of an earlier run.
        rng: of the case.
        has_older: whether the working folder holds the results of an earlier run.
        close: called when those are there, before the command.
        before: called in the process before the command.
        environment: variables besides those of its home.
        named: paths of which the message must name one; none if it need not.
    """

    inputs: Inputs
    whole: _Undisturbed
    work: Path
    rng: random.Random
    has_older: bool
    close: Callable[[], object] = lambda: None
    before: Callable[[], object] = lambda: None
    environment: dict[str, str] = field(default_factory=dict)
    named: tuple[str, ...] = ()

    def outputs(self) -> tuple[str, ...]:
        """Return names of which one is in every path of an output."""
        return (str(self.work), *sorted(path.name for path in self.whole.work.iterdir()))

    def copy_inputs(self) -> Path:
        """Let the command take copies of its inputs, which may be changed; return their folder."""
        folder = self.work.with_name("inputs")
        self.inputs = self.inputs.copy(folder)
        return folder


@dataclass(frozen=True)
class _Undisturbed:
    done: Done
    work: Path
    files: Snapshot
    num_bytes: int
    num_older_home_bytes: int
    num_home_bytes: int


Fault = Callable[[Scene], AbstractContextManager[object]]


@cache
def _run_undisturbed(name: str) -> _Undisturbed:
    inputs = shared_inputs()
    work = inputs.root.parent / "whole" / to_name(name)
    home = home_folder(work)
    _fill_home(name, home)
    num_older = _num_bytes(home)
    done = run(COMMANDS[name](inputs), work)
    if done.code not in (0, 1) or "Traceback" in done.output:
        raise AssertionError(f"{name}: {done.code} {done.output}")
    return _Undisturbed(done, work, take_snapshot(work), _num_bytes(work), num_older, _num_bytes(home))


def _fill_home(name: str, home: Path) -> None:
    """Let a command that is about caches have some."""
    if name.startswith("cache "):
        shared_inputs().fill_caches(home)


def to_name(command: str) -> str:
    """Return the name of a command as that of a folder."""
    return command.replace(" ", "-")


def _num_bytes(folder: Path) -> int:
    """Return how many bytes the files of a folder take on a disk with pages of 4 KiB."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file())


def run_under(fault: Fault, cases: int, seed: int, folder: Path) -> Iterator[Case]:
    """Run all commands in turn under a fault, and then again in new folders instead of over older results."""
    preload()
    names = random.Random(fault.__name__).sample(list(COMMANDS), len(COMMANDS))
    for n in range(cases):
        name, again = names[n % len(names)], (n // len(names)) % 2 == 0
        whole = _run_undisturbed(name)
        scene = Scene(
            shared_inputs(), whole, folder / f"{n}" / "work", random.Random(f"{name} {n} {seed}"), again
        )
        scene.work.mkdir(parents=True)
        with fault(scene):
            if again:
                shutil.copytree(whole.work, scene.work, dirs_exist_ok=True)
            _fill_home(name, home_folder(scene.work))
            scene.close()
            arguments = COMMANDS[name](scene.inputs)
            done = run(arguments, scene.work, environment=scene.environment, before=scene.before)
            problem = _judge(done, scene, again)
        shutil.rmtree(scene.work.parent)
        where = "over older results" if again else "in new folders"
        yield Case(f"{name} #{n} {where}", problem, done.seconds, done.memory_mb)


def _judge(done: Done, scene: Scene, again: bool) -> str:
    """Return what is wrong with the end of a command; empty if nothing is."""
    printed = " ".join(done.output.split())[-500:]
    if done.code not in (0, 1, 2) or "Traceback" in done.output:
        return f"ended with {done.code}: {printed}"
    if done.code == 2:
        sentences = [line for line in done.output.splitlines() if line.startswith("Error: ")]
        if len(sentences) != 1:
            return f"{len(sentences)} errors: {printed}"
        if scene.named and not any(name in sentences[0] for name in scene.named):
            return f"the message names no file: {sentences[0]}"
        if not _ADVICE.search(sentences[0]):
            return f"the message does not say what to do: {sentences[0]}"
    actual = take_snapshot(scene.work)
    if leftovers := [name for name in actual if _LEFTOVER.search(name)]:
        return f"left behind: {leftovers[:3]}; {printed}"
    kept = {name: content for name, content in actual.items() if name in scene.whole.files}
    is_comparable = again or done.code == 0 if scene.inputs is shared_inputs() else again and done.code == 2
    difference = describe_difference(scene.whole.files, kept) if is_comparable else ""
    return f"older files: {difference}; {printed}" if difference else ""
