"""Contenders run by turns."""

import subprocess
import sys

from sentir.bench import timing
from sentir.bench.timing import Row, Times, alternate


def test_contenders_run_by_turns_after_a_warm_up():
    ran = []
    works = {name: lambda name=name: ran.append(name) for name in "ab"}
    times = alternate(works, 2, timer=lambda work: work() or len(ran))
    assert ran == list("ab" * 3)
    assert times.rounds == {"a": [3, 5], "b": [4, 6]}


def test_a_ratio_is_the_median_over_rounds_not_of_medians():
    times = Times({"peer": [10.0, 1.0, 3.0], "ours": [1.0, 1.0, 2.0]})
    assert times.ratio("peer", "ours") == 1.5
    assert str(times.row("x", "peer", "ours", "2")) == "| x | peer 3.00 s, ours 1.00 s | 1.50 | 2 |"


def test_a_peer_that_did_not_run_leaves_a_line_without_ratio():
    assert Times({"ours": [0.05]}).row("x", "peer", "ours", "2") == Row("x", {"ours": 0.05})


def test_time_spent_is_counted_also_in_children():
    spin = [sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"]
    assert timing.measure(lambda: subprocess.run(spin, check=True)) >= 0.28
