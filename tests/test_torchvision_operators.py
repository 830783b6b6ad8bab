"""torchvision's compiled operators are found whatever a system calls their file."""

from types import SimpleNamespace

import pytest
import torch

from sentir import torchvision_operators


@pytest.mark.parametrize("name", ["_C.so", "_C.abi3.so", "_C.pyd"])
def test_operators_that_load_are_not_declared(name, tmp_path, monkeypatch):
    for file in ("__init__.py", "_C.lib", name):
        (tmp_path / file).touch()
    loaded: list[str] = []
    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(torchvision_operators.importlib.util, "find_spec", lambda _name: spec)
    monkeypatch.setattr(torch.ops, "load_library", loaded.append)
    assert torchvision_operators._declare_missing_operators() is None
    assert loaded == [str(tmp_path / name)]
