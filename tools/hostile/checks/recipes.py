"""Recipes as TOML, overrides, and the plug-ins that they name."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import tomli_w

from hostile.mutation import mutate_text, mutate_tree
from hostile.running import Attempt
from sentir.recipe import Recipe

_OVERRIDES = ("train.lr=1", "a=", "=", "model.audio.max_seconds=nan", "train.seed=[1", "x.y.z=1",
              "data.task='emotion'",
              "model.kind=\x00", "train.epochs=1e400", "tune.space.x={a=1}",
              "evaluation.metric={a=1}")  # fmt: skip
_TOKENS = ("[model]", "[[a]]", "a.b.c = 1", "x = 1979-05-27T07:32:00Z", "'''", "inf", "nan",
           "plugins = ['../x.py']",
           "[data.table]", "x = {a = {b = {}}}", "[" * 3000, "a." * 3000 + "b=1")  # fmt: skip


def prepare(home: Path) -> Attempt:
    """Return an attempt at a damaged recipe."""
    root = Path(__file__).parents[3] / "recipes"
    texts = [path.read_text(encoding="utf-8") for path in sorted(root.glob("*.toml"))]
    trees = [tomllib.loads(text) for text in texts]

    def attempt(rng: random.Random, folder: Path) -> str:
        (folder / "plugin.py").write_text("raise SystemExit('code was run')", encoding="utf-8")
        path = folder / "a.toml"
        if rng.random() < 0.4:
            content = mutate_text(rng, rng.choice(texts), _TOKENS)
        else:
            tree = mutate_tree(rng, rng.choice(trees))
            if isinstance(tree, dict) and rng.random() < 0.1:
                tree["plugins"] = ["plugin.py"]
            content = _dump(tree)
        path.write_bytes(content)
        overrides = rng.choices(_OVERRIDES, k=rng.choice((0, 0, 0, 1, 2)))
        Recipe.load(path, overrides).stacked_recipe()
        return "accepted"

    return attempt


def _dump(tree: object) -> bytes:
    try:
        return tomli_w.dumps(_without_none(tree)).encode("utf-8", "surrogatepass")  # type: ignore[arg-type]
    except (TypeError, AttributeError, ValueError):  # not a table, or a value that TOML does not have
        return repr(tree).encode("utf-8", "surrogatepass")


def _without_none(tree: object) -> object:
    if isinstance(tree, dict):
        return {str(key): _without_none(value) for key, value in tree.items() if value is not None}
    if isinstance(tree, list):
        return [_without_none(value) for value in tree if value is not None]
    return tree
