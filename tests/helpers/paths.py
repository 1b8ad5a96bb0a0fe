"""Where the files are that tests read."""

from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
GOLDEN = CHECKOUT / "tests/golden"
BENCHMARKS = CHECKOUT / "benchmarks"
RESOURCES = CHECKOUT / "resources"
