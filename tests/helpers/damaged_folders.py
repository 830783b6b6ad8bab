"""Damages of a saved model's folder: every value of its JSON files, its tensors, and the files themselves."""

import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

_MAX_ITEMS = 3  # of a long list that are damaged: vocabularies have thousands of similar ones
_DELETED = object()


@dataclass(frozen=True)
class Damage:
    """Damage to one file of a folder.

    Attributes:
        name: unique.
        file: relative to the folder.
        do: damages the file at a path.
    """

    name: str
    file: str
    do: Callable[[Path], None]

    def to(self, folder: Path) -> None:
        """Damage a folder whose files may be hard links."""
        path = folder / self.file
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
        self.do(path)


def damages_of(folder: Path) -> list[Damage]:
    """Return all damages of a saved model, in a fixed order."""
    damages: list[Damage] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".json", ".safetensors"):
            continue
        file = path.relative_to(folder).as_posix()
        damages += [Damage(f"{file}: {name}", file, do) for name, do in _of_files(path)]
        each = _of_json(path) if path.suffix == ".json" else _of_tensors(path)
        damages += [Damage(f"{file}: {name}", file, do) for name, do in each]
    return damages


def some(damages: list[Damage], share: int) -> list[Damage]:
    """Return about one in ``share`` of the damages, always the same ones."""
    return [one for one in damages if zlib.crc32(one.name.encode()) % share == 0]


def copy_of(folder: Path, to: Path) -> Path:
    """Copy a folder by hard links, which `Damage.to` replaces."""
    shutil.rmtree(to, ignore_errors=True)
    return shutil.copytree(folder, to, copy_function=os.link)


def _of_files(path: Path) -> Iterator[tuple[str, Callable[[Path], None]]]:
    half = path.stat().st_size // 2
    yield "missing", Path.unlink
    yield "empty", lambda p: p.write_bytes(b"")
    yield "cut short", lambda p: os.truncate(p, half)
    yield "zeros", lambda p: p.write_bytes(bytes(100))
    yield "noise", lambda p: p.write_bytes(bytes(range(256)) * 4)
    yield "a folder", _as_folder
    yield "a link to nowhere", _as_link_to_nowhere
    yield "a link to itself", _as_link_to_itself
    yield "unreadable", lambda p: p.chmod(0)


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _as_link_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


def _as_link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def _of_json(path: Path) -> Iterator[tuple[str, Callable[[Path], None]]]:
    tree = json.loads(path.read_text(encoding="utf-8"))
    for keys in _key_paths(tree, ()):
        old = _at(tree, keys)
        for name, new in _others(old):
            yield f"{'.'.join(map(str, keys)) or 'all of it'} {name}", _setting(tree, keys, new)
    yield "nested without end", lambda p: p.write_text("[" * 100_000 + "]" * 100_000)
    yield "a list", lambda p: p.write_text("[1, 2]")


def _key_paths(tree: Any, keys: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if keys:
        yield keys
    items = list(tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ())
    for key, value in items[:_MAX_ITEMS] if len(items) > 100 else items:
        yield from _key_paths(value, (*keys, key))


def _others(old: Any) -> Iterator[tuple[str, Any]]:
    yield "deleted", _DELETED
    nothing = "" if old is None else type(old)()
    for name, new in (
        ("null", None), ("a list", [[[1, "x"]]]), ("a table", {"x": {"y": 1}}), ("huge", 10**9),
        ("endless", 1e999), ("negative", -7), ("half", 0.5), ("not a number", float("nan")),
        ("a text", "other"), ("true", True), ("a path", "../../elsewhere"), ("empty", nothing),
    ):  # fmt: skip
        if new != old:
            yield name, new


def _setting(tree: Any, keys: tuple[str | int, ...], new: Any) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        changed = deepcopy(tree)
        parent = _at(changed, keys[:-1])
        if new is _DELETED:
            del parent[keys[-1]]
        else:
            parent[keys[-1]] = new
        path.write_text(json.dumps(changed), encoding="utf-8")

    return do


def _at(tree: Any, keys: tuple[str | int, ...]) -> Any:
    for key in keys:
        tree = tree[key]
    return tree


def _of_tensors(path: Path) -> Iterator[tuple[str, Callable[[Path], None]]]:
    tensors = load_file(path)
    names = sorted(tensors)

    def saving(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Path], None]:
        return lambda p: save_file(change(dict(tensors)), p, metadata={"format": "pt"})

    yield "no tensors", saving(lambda t: {})
    yield "another tensor", saving(lambda t: t | {"another": torch.zeros(2)})
    for name in names[:: max(1, len(names) // 8)]:
        for kind, change in _TENSORS.items():
            yield f"{name} {kind}", saving(lambda t, name=name, change=change: t | {name: change(t[name])})
        yield f"{name} missing", saving(lambda t, name=name: {k: v for k, v in t.items() if k != name})
    header = path.read_bytes()
    yield "huge header", lambda p: p.write_bytes((2**62).to_bytes(8, "little") + header[8:])


_TENSORS: dict[str, Callable[[Any], Any]] = {
    "not a number": lambda t: torch.full_like(t, float("nan")) if t.is_floating_point() else t - 1,
    "endless": lambda t: torch.full_like(t, float("inf")) if t.is_floating_point() else t - 1,
    "whole numbers": lambda t: t.to(torch.int64),
    "half precision": lambda t: t.to(torch.float16),
    "of complex numbers": lambda t: t.to(torch.complex64),
    "longer": lambda t: torch.zeros(*t.shape, 2, dtype=t.dtype),
    "flat": lambda t: t.reshape(-1)[:1].clone(),
    "empty": lambda t: t.reshape(-1)[:0].clone(),
}
