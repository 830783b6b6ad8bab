"""The speed of Sentir on this machine, beside what else one would use: `sentir bench`.

Each module of the benchmarks has ``rows``, which measures and yields the lines of its table.
"""

from sentir.bench.results import Results, compare, compare_facts
from sentir.bench.runner import BENCHMARKS, run

__all__ = ["BENCHMARKS", "Results", "compare", "compare_facts", "run"]
