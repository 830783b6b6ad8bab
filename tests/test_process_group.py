"""The variables of torchrun must be complete."""

import pytest

from sentir.errors import SentirError
from sentir.process_group import rank, require_complete_process_group, world_size

COMPLETE = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


@pytest.fixture
def environment(monkeypatch):
    def set_variables(variables):
        for name in COMPLETE:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


@pytest.mark.parametrize("variables", [{}, {"RANK": "0"}, {"WORLD_SIZE": "1", "RANK": "0"}, COMPLETE])
def test_a_single_process_and_a_complete_group_are_accepted(variables, environment):
    environment(variables)
    require_complete_process_group()
    assert (rank(), world_size()) == ((1, 2) if variables == COMPLETE else (0, 1))


@pytest.mark.parametrize(
    "variables",
    [
        {"RANK": "1"},
        {"WORLD_SIZE": "2"},
        {"LOCAL_RANK": "0"},
        COMPLETE | {"RANK": "2"},
        {"WORLD_SIZE": "4", "RANK": "1"},
    ],
)
def test_an_incomplete_group_is_refused_and_its_variables_are_named(variables, environment):
    environment(variables)
    name, value = next(iter(variables.items()))
    with pytest.raises(SentirError, match=f"{name}=.*torchrun did not start it"):
        require_complete_process_group()
    assert value


def test_a_variable_that_is_not_a_number_is_named(environment):
    environment({"WORLD_SIZE": "two"})
    with pytest.raises(SentirError, match="WORLD_SIZE=two, which is not a number"):
        world_size()
