"""Audio of a forward pass of scoring, apart from costs: scores depend on it."""

from typing import Literal

GPU_BATCH_SECONDS = 100.0
CPU_BATCH_SECONDS = 8.0
"""Audio of a forward pass in scoring. On a CPU larger ones are slower (docs/benchmarks.md)."""


def scoring_batch_seconds(setting: float | Literal["auto"], device: str) -> float:
    """Return the audio seconds of a forward pass in scoring, for a type of device."""
    if setting != "auto":
        return setting
    return CPU_BATCH_SECONDS if device == "cpu" else GPU_BATCH_SECONDS
