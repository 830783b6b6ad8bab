"""Seeded changes to valid inputs: to bytes, to text, and to the values of a tree of JSON or TOML."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

SECRET = "secret.txt"  # a file beside the folder of each case that nothing may read or write
_NUMBERS = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**63 - 1,
    2**64 - 1,
)
_TOKENS = (
    "", " ", "\0", "\n", "\r\n", "\t", '"', "'", ",", ";", "|", "{", "}", "[", "]", "<", ">", "&", "%", "=",
    "-", "-->",
    "\ufeff", "\u202e", "\u2028", "😀", "é", "NaN", "inf", "-inf", "1e999", "-1", "0", "00:00:00", "9" * 400,
    "null", "true",
    "../", "/etc/passwd", f"../{SECRET}", "&lt;", "&#0;",
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", "=cmd()",
    "a" * 5000,
)  # fmt: skip


class ChosenRandom(random.Random):
    """A generator whose numbers are given bytes, as long as there are any."""

    def __init__(self, chosen: bytes) -> None:
        self._chosen = chosen
        super().__init__(chosen)

    def getrandbits(self, k: int, /) -> int:
        """Return ``k`` bits."""
        size = (k + 7) // 8
        if len(self._chosen) < size:
            return super().getrandbits(k)
        taken, self._chosen = self._chosen[:size], self._chosen[size:]
        return int.from_bytes(taken, "little") >> (8 * size - k)

    def random(self) -> float:
        """Return a number from 0 to below 1."""
        return self.getrandbits(53) / 2**53  # the precision of a float


def awkward_values() -> list[Any]:
    """Return values that are of a wrong type, out of range, or names of files elsewhere."""
    return [
        None, True, False, 0, -1, 1, 2, 10**6, 9e6, 2**31, 1e18, 2**63, 10**30, -(10**30), 0.5, -0.0, 1e308,
        1e-320, float("nan"), float("inf"), "", " ", "a", "\0", "NaN", "1e999", "\ud800", "😀" * 50, "a" * 3000,
        "{0}%s", "1:2:3",
        f"../{SECRET}", "/etc/passwd", "../../..", "CON", [], [[]], [None], ["a"], [1, 2], {}, {"": ""}, {"a": 1},
        {"start": 1}, nested(40),
    ]  # fmt: skip


def nested(depth: int) -> Any:
    """Return lists within lists."""
    value: Any = "x"
    for _level in range(depth):
        value = [value]
    return value


def mutate_bytes(rng: random.Random, content: bytes, donors: Sequence[bytes] = ()) -> bytes:
    """Return bytes with a few changes, most of them near the beginning, where headers are."""
    data = bytearray(content)
    for _change in range(rng.choice((1, 1, 1, 2, 3, 8, 30))):
        if not data:
            break
        at = rng.randrange(min(len(data), rng.choice((16, 64, 256, len(data), len(data)))))
        match rng.randrange(9):
            case 0 | 1:
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                data[at] = rng.randrange(256)
            case 3:
                size = rng.choice((1, 2, 4, 8))
                value = rng.choice(_NUMBERS) & (256**size - 1)
                data[at : at + size] = value.to_bytes(size, rng.choice(("little", "big")))
            case 4:
                del data[at:]
            case 5:
                del data[at : at + rng.choice((1, 2, 4, 16, 1000))]
            case 6:
                data[at:at] = data[at : at + rng.choice((1, 4, 16, 500))]
            case 7:
                length = rng.choice((1, 8, 100))
                data[at : at + length] = bytes(length) if rng.random() < 0.5 else rng.randbytes(length)
            case 8 if donors:
                other = rng.choice(donors)
                start = rng.randrange(len(other))
                data[at : at + 64] = other[start : start + rng.choice((4, 64, 1000))]
    return bytes(data)


def mutate_text(rng: random.Random, text: str, tokens: Sequence[str] = ()) -> bytes:
    """Return the bytes of a text with tokens inserted, lines moved, or bytes changed."""
    for _change in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(7):
            case 0 | 1:
                text = text[:at] + rng.choice((*_TOKENS, *tokens)) + text[at:]
            case 2:
                text = text[:at] + rng.choice((*_TOKENS, *tokens)) + text[at + rng.choice((1, 3, 10)) :]
            case 3:
                text = text[:at] + text[at + rng.choice((1, 2, 20)) :]
            case 4:
                lines = text.split("\n")
                rng.shuffle(lines)
                text = "\n".join(lines)
            case 5:
                lines = text.split("\n")
                text = "\n".join([*lines, *rng.choices(lines, k=rng.choice((1, 3)))])
            case 6:
                text = text.replace(rng.choice(text or " "), rng.choice((*_TOKENS, *tokens)), 3)
    content = text.encode(rng.choice(("utf-8",) * 12 + ("utf-16", "utf-8-sig", "cp1252")), "replace")
    return mutate_bytes(rng, content) if rng.random() < 0.15 else content


def mutate_tree(rng: random.Random, tree: Any) -> Any:
    """Return a copy of a tree of mappings and lists with one to three values changed, removed or moved."""
    tree = deepcopy(tree)
    for _change in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            return rng.choice(awkward_values())
        holder, key = rng.choice(places)
        kind = rng.randrange(6)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            other, other_key = rng.choice(places)
            holder[key] = deepcopy(other[other_key])
        elif kind == 2 and isinstance(holder, dict):
            holder[rng.choice(("", "a", "\0", "__class__", "../x", f"{key}x"))] = holder[key]
        else:
            holder[key] = rng.choice(awkward_values())
    return tree


def to_json(rng: random.Random, tree: Any) -> bytes:
    """Return a tree as JSON, now and then damaged, or deeper than Python can parse."""
    content = json.dumps(tree, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    if rng.random() < 0.03:
        content = content.replace(b"1", b"[" * 200_000, 1)
    return mutate_bytes(rng, content) if rng.random() < 0.1 else content


def _places(tree: Any) -> Any:
    """Yield each value as the container that holds it and its key there."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _places(tree[key])
