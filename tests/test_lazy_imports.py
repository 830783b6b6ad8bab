"""Public names that are imported on first use are those of their modules."""

import pytest

import sentir
from sentir import api


@pytest.mark.parametrize("package", [sentir, api])
def test_every_public_name_is_found(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="'nothing'"):
        package.nothing  # noqa: B018
