"""The engine of Ray: the bytes of the others, also if a machine of the cluster dies half way."""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import shard_work
from bag_of_words import save_bag_of_words, write_talks
from shard_work import Squaring, make_shards, read_squares

from sentir import api
from sentir.api.part_files import PartsRun, parts_folder
from sentir.engines.local import LocalEngine
from sentir.engines.running import run_shards
from sentir.engines.shards import Share
from sentir.errors import CorpusError, SentirError
from sentir.recognizer import table_shards

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'sentir[ray]'")
pytestmark = pytest.mark.slow
NUM_ROWS, NUM_SHARDS = 3_000, 150
HELPERS = str(Path(shard_work.__file__).parent)


@pytest.fixture
def cluster(monkeypatch):
    """A cluster of two machines with one core each, started and ended by the test."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [HELPERS, os.environ.get("PYTHONPATH")])))
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.second = made.add_node(num_cpus=1)
    made.wait_for_nodes()
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def engine(cluster):
    from sentir.engines.ray import RayEngine

    return RayEngine(cluster.address)


def wait_for(holds, seconds=60):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def kill_half_way(cluster, folder, at_death):
    """Kill the second machine of a cluster when some shards are finished."""
    while len([*folder.glob("*.receipt.json")]) < NUM_SHARDS // 5:
        time.sleep(0.02)
    cluster.remove_node(cluster.second, allow_graceful=False)
    at_death.append(len([*folder.glob("*.receipt.json")]))


def test_local_processes_a_cluster_that_loses_a_machine_and_shares_write_the_same_bytes(
    corpus, cluster, engine, tmp_path, monkeypatch
):
    monkeypatch.setattr(table_shards, "TEXTS_PER_SHARD", NUM_ROWS / NUM_SHARDS)
    model, table = save_bag_of_words(corpus, tmp_path / "model"), write_talks(tmp_path / "talks.csv", NUM_ROWS)
    api.predict_to_file(model, [table], tmp_path / "local.parquet", run=PartsRun(LocalEngine(2)))
    expected = (tmp_path / "local.parquet").read_bytes()

    path, at_death = tmp_path / "ray.parquet", []
    killer = threading.Thread(target=kill_half_way, args=(cluster, parts_folder(path), at_death))
    killer.start()
    written = api.predict_to_file(model, [table], path, run=PartsRun(engine))
    killer.join()
    assert NUM_SHARDS // 5 <= at_death[0] < NUM_SHARDS
    wait_for(lambda: len([node for node in ray.nodes() if node["Alive"]]) == 1)  # Ray notices it after a while
    assert written.rows == NUM_ROWS and path.read_bytes() == expected

    path = tmp_path / "shares.parquet"
    for n in (1, 2):
        api.predict_to_file(model, [table], path, run=PartsRun(share=Share(n, 2)))
    api.predict_to_file(model, [table], path, run=PartsRun(resume=True))
    assert path.read_bytes() == expected


def test_actors_open_their_work_once_and_errors_and_deaths_are_those_of_local_processes(
    engine, tmp_path, monkeypatch
):
    shards = make_shards((1, 2), (3, 4, 5), (6,), (7,), (8,))
    work = Squaring(tmp_path, deadly=(4,))
    squares = read_squares(tmp_path, run_shards(engine, shards, work, "Squaring"))
    assert [number for part in squares for number in part] == [1, 4, 9, -1, 25, 36, 49, 64]
    opened, worked = ((tmp_path / name).read_text().split() for name in ("opened", "worked"))
    assert len({*opened}) == len(opened) < len(worked)
    (tmp_path / "other").mkdir()
    with pytest.raises(CorpusError, match="6 is refused"):
        run_shards(engine, shards, Squaring(tmp_path / "other", refused=6), "Squaring")


@dataclass(frozen=True)
class Elsewhere(Squaring):
    """Work whose module the machines of the cluster do not have."""

    def __reduce__(self):
        return __import__, ("only_on_this_machine",)


def test_what_keeps_actors_from_starting_is_said(engine, tmp_path):
    with pytest.raises(SentirError, match=r"No module named 'only_on_this_machine'\. Install the same"):
        run_shards(engine, make_shards((1,)), Elsewhere(tmp_path), "Squaring")
