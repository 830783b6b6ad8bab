"""What the environment says of several processes is believed only as a whole."""

import pytest

from sentir.errors import SentirError
from sentir.process_group import rank, require_complete_process_group, world_size

WHOLE = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


@pytest.fixture
def environment(monkeypatch):
    def put(found):
        for name in WHOLE:
            monkeypatch.delenv(name, raising=False)
        for name, value in found.items():
            monkeypatch.setenv(name, value)

    return put


@pytest.mark.parametrize("found", [{}, {"RANK": "0"}, {"WORLD_SIZE": "1", "RANK": "0"}, WHOLE])
def test_alone_or_in_a_whole_group_training_begins(found, environment):
    environment(found)
    require_complete_process_group()
    assert (rank(), world_size()) == ((1, 2) if found == WHOLE else (0, 1))


@pytest.mark.parametrize(
    "found",
    [
        {"RANK": "1"},
        {"WORLD_SIZE": "2"},
        {"LOCAL_RANK": "0"},
        WHOLE | {"RANK": "2"},
        {"WORLD_SIZE": "4", "RANK": "1"},
    ],
)
def test_part_of_a_group_is_refused_by_name(found, environment):
    environment(found)
    name, value = next(iter(found.items()))
    with pytest.raises(SentirError, match=f"{name}=.*torchrun did not start it"):
        require_complete_process_group()
    assert value


def test_what_is_no_number_is_named(environment):
    environment({"WORLD_SIZE": "two"})
    with pytest.raises(SentirError, match="WORLD_SIZE=two, which is not a number"):
        world_size()
