"""Recipes drawn by Hypothesis from the types of the settings, including awkward values."""

from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from hypothesis import strategies as st
from pydantic import ValidationError

from sentir.paths import explain_invalid_name
from sentir.recipe import Dimension, Recipe, Section, TableSettings, TuneSettings
from sentir.recipe.sections import FileSafeName, SettingsTable

AWKWARD = st.sampled_from(
    ["", "é", "'\"\\", "a\r\nb", "\t\x00\x1b\x7f\u202e", "true", "1e5", "[x]", "a.b", "#", "😀"]
)
TEXTS = AWKWARD | st.text(max_size=6)  # without surrogates, which no recipe can contain
NAMES = st.sampled_from(["con", "A/b", "../x", "a.b c", "ñ", "#1", '"', "\\"]) | st.text(
    min_size=1, max_size=6
).filter(lambda text: not explain_invalid_name(text))
FLOATS = st.sampled_from([1e-05, 1e16, 1e300, -0.0, 5e-324, 0.1, 3.0]) | st.floats(
    allow_nan=False, allow_infinity=False
)
SCALARS = st.booleans() | st.integers() | FLOATS | TEXTS
FREE = st.dictionaries(
    TEXTS,
    st.recursive(
        SCALARS, lambda one: st.lists(one, max_size=3) | st.dictionaries(TEXTS, one, max_size=3), max_leaves=6
    ),
    max_size=3,
)


def drawn(kind: Any, metadata: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    """Draw a value of a setting of this type."""
    if kind is Any:
        return SCALARS
    if kind == SettingsTable:
        return FREE
    if kind == FileSafeName:
        return NAMES
    if isinstance(kind, type) and issubclass(kind, Section):
        return section(kind)
    if get_origin(kind) is dict:
        return st.dictionaries(*map(drawn, get_args(kind)), max_size=3)
    if get_origin(kind) is tuple and get_args(kind)[-1] is ...:
        return st.lists(drawn(get_args(kind)[0]), min_size=bool(metadata), max_size=3)
    if get_origin(kind) is tuple:
        return st.tuples(*map(drawn, get_args(kind)))
    if len(get_args(kind)) > 1 and get_origin(kind) not in (Annotated, None) and not _is_literal(kind):
        return st.one_of(*(drawn(one, metadata) for one in get_args(kind)))
    if kind is type(None):
        return st.none()
    if kind is Path:
        return TEXTS
    if kind is str:
        return TEXTS.filter(bool) if metadata else TEXTS
    if kind is float and not metadata:
        return FLOATS
    return st.from_type(Annotated[kind, *metadata] if metadata else kind)


def _is_literal(kind: Any) -> bool:
    return not any(isinstance(one, type) or get_args(one) or one is ... for one in get_args(kind))


def section(kind: type[Section]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a valid section; any of its settings may be left to its default."""
    fields = {name: _field(kind, name) for name in kind.known_settings() if name != "plugins"}  # they would run
    required = {name: fields[name] for name, one in kind.model_fields.items() if one.is_required()}
    rest = {name: one for name, one in fields.items() if name not in required}
    names = st.lists(st.sampled_from(sorted(rest)), max_size=4, unique=True)
    trees = names.flatmap(lambda names: st.fixed_dictionaries(required | {name: rest[name] for name in names}))
    return trees.map(lambda tree: _LIKELY.get(kind, dict)(tree)).filter(lambda tree: _usable(kind, tree))


def _field(kind: type[Section], name: str) -> st.SearchStrategy[Any]:
    if name not in kind.model_fields:
        return drawn(kind.known_settings()[name])
    field = kind.model_fields[name]
    bounds = tuple(one for one in field.metadata if type(one).__module__.startswith("annotated_types"))
    own = (
        FileSafeName
        if any(type(one).__name__ == "AfterValidator" for one in field.metadata)
        else field.annotation
    )
    return drawn(own, bounds)


_LIKELY = {
    Dimension: lambda tree: {"choices": [1, 1.0, "x"]} if "low" not in tree else {"low": 1e-05, "high": 2},
    TableSettings: lambda tree: (
        {"label": "a b"} | {k: v for k, v in tree.items() if k not in ("labels", "value", "scale")}
    ),
    TuneSettings: lambda tree: tree | {"folds": tree.get("folds", 0) * 2},
}


def _usable(kind: type[Section], tree: dict[str, Any]) -> bool:
    try:
        kind.model_validate(tree)
    except ValidationError:
        return False
    return True


RECIPES = section(Recipe).map(Recipe.parse)
