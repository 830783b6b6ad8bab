"""Engines: every shard is worked on once, whatever is killed, to the same bytes."""

import logging

import pytest
from shard_work import Squaring, make_shards, read_squares

from sentir.engines.local import LocalEngine
from sentir.engines.running import make_engine, run_shards
from sentir.engines.shards import Receipt, Shard, Share, load_receipts
from sentir.errors import CorpusError, SentirError

SHARDS = make_shards((1, 2), (3, 4, 5), (6,))
SQUARES = [[1, 4], [9, 16, 25], [36]]


def run(tmp_path, engine=None, shards=SHARDS, **options):
    work = Squaring(tmp_path, **options)
    return read_squares(tmp_path, run_shards(engine or LocalEngine(), shards, work, "Squaring"))


def test_receipts_are_in_the_order_of_the_shards_and_finished_shards_are_not_worked_on_again(tmp_path):
    assert run(tmp_path, shards=SHARDS[1:2]) == SQUARES[1:2]
    assert run(tmp_path) == SQUARES
    assert (tmp_path / "worked").read_text().split() == ["s1", "s0", "s2"]
    assert {one.shard for one in load_receipts(tmp_path)} == {"s0", "s1", "s2"}
    (tmp_path / "s2.receipt.json").write_text('{"shard": "s')
    assert run(tmp_path) == SQUARES and (tmp_path / "worked").read_text().split()[-1] == "s2"


@pytest.mark.slow
def test_a_number_that_kills_its_process_is_found_by_halving_and_becomes_a_problem(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        work = Squaring(tmp_path, deadly=(4,))
        receipts = run_shards(LocalEngine(2), SHARDS, work, "Squaring")
    assert [number for part in read_squares(tmp_path, receipts) for number in part] == [1, 4, 9, -1, 25, 36]
    (problem,) = [problem for one in receipts for problem in one.problems]
    assert "killed twice" in problem and problem in caplog.text and "worked on s0" in caplog.text
    assert len({*(tmp_path / "opened").read_text().split()}) > 2
    worked = (tmp_path / "worked").read_text().split()
    assert {name: worked.count(name) for name in ("s0", "s1", "s1.1-3", "s1.1-2")} == {
        "s0": 1, "s1": 2, "s1.1-3": 2, "s1.1-2": 2,
    }  # fmt: skip


@pytest.mark.slow
def test_an_error_in_a_process_is_raised_and_what_is_finished_is_kept(tmp_path):
    with pytest.raises(CorpusError, match="6 is refused"):
        run(tmp_path, LocalEngine(2), refused=6)
    assert run(tmp_path) == SQUARES


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_shares_of_all_jobs_are_the_whole(count):
    shares = [Share.parse(f"{n}/{count}") for n in range(1, count + 1)]
    assert sorted(shard.id for share in shares for shard in share.of(SHARDS)) == ["s0", "s1", "s2"]
    assert Share.parse(None).is_all and shares[0].is_all == (count == 1)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/", "-1/2", "a/b", "1/2/3"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(SentirError, match="1/8"):
        Share.parse(text)


def test_halves_are_the_whole_and_their_ids_say_which(tmp_path):
    one, two = Shard("x", (1, 2, 3)).halve(3)
    assert (one.start, one.stop, two.start, two.stop) == (0, 1, 1, 3) and one.id != two.id
    assert two.halve(3)[0] == Shard("x.1-2", (1, 2, 3), 1, 2)
    Receipt("x", 1.5, {"rows": 2}, ("one",), {"a": [1]}).save(tmp_path)
    assert [*load_receipts(tmp_path)] == [Receipt("x", 1.5, {"rows": 2}, ("one",), {"a": [1]})]


def test_an_unknown_engine_and_options_of_another_one_are_refused():
    for options in ({"name": "slurm"}, {"address": "auto"}, {"num_gpus": 1.0}):
        with pytest.raises(SentirError, match="ray"):
            make_engine(**options)
