"""How fast detectors run on the machine: as the pilot measured it, or as it is assumed.

Everything is a pace: seconds of the machine for a second of audio in one forward pass.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sdd.detector.architectures import Architecture
from sdd.experiment.costs import forward_operations
from sdd.experiment.pilot import SCORING, TRAINING, PilotRow

Basis = Literal["measured", "scaled", "arithmetic"]
"""`measured` by the pilot of just this; `scaled` from the pilot of something near; or neither."""
LEAST_SURE_LAST: tuple[Basis, ...] = ("measured", "scaled", "arithmetic")


@dataclass(frozen=True)
class Pace:
    """Seconds of the machine for a second of audio in a forward pass, and how they are known."""

    seconds: float
    basis: Basis


class Speeds:
    """The paces of an experiment's machine.

    Parameters
    ----------
    config
        Of the experiment.
    pilot
        What was measured (`sdd.experiment.pilot.read_pilot`).
    """

    def __init__(self, config: Mapping[str, Any], pilot: Iterable[PilotRow] = ()) -> None:
        self.resources: Mapping[str, Any] = config["resources"]
        self.threads: Mapping[str, int] = config["threads"]
        self.setting: str = config["device"]
        rows = list(pilot)
        self.device = _device(config["device"], rows)
        """`cuda` or `cpu`: what the jobs are thought to run on."""
        self.rows = [row for row in rows if row.device == self.device]

    @property
    def device_names(self) -> list[str]:
        """What the pilot ran on."""
        return list(dict.fromkeys(row.device_name for row in self.rows))

    def training(
        self,
        model: str,
        encoder: Architecture,
        segment_seconds: float,
        *,
        precision: str,
        passes: float,
        objective: str = "",
        recipe: str = "",
    ) -> Pace:
        """Return the pace of a stage of training.

        Measured where this objective was piloted under this recipe. Where another was, in the same
        precision, its pace holds too: a step's time is taken to be in proportion to its passes.

        Parameters
        ----------
        segment_seconds
            Length of the segments, for what is not piloted.
        passes
            Forward passes that a step is worth; of several pilots the nearest counts.
        """
        near = self._piloted(TRAINING, model, precision)
        if not near:
            return self._assumed(encoder, segment_seconds, precision, "train")
        best = min(near, key=lambda row: (row.recipe != recipe, abs(row.passes - passes)))
        same = (best.recipe, best.name, best.passes) == (recipe, objective, passes)
        return Pace(best.seconds_a_pass, "measured" if same else "scaled")

    def scoring(
        self,
        model: str,
        encoder: Architecture,
        set_name: str,
        lengths: Mapping[str, float],
        *,
        precision: str,
    ) -> Pace:
        """Return the pace of scoring a set.

        Measured where the set was piloted. Where others were, in the same precision, as many
        operations a second as on all of them together.

        Parameters
        ----------
        lengths
            Seconds of the segments of each set, with which operations grow.
        """
        near = self._piloted(SCORING, model, precision)
        of_set = [row for row in near if row.name == set_name]
        if of_set:
            return Pace(of_set[-1].seconds_a_pass, "measured")
        known = [row for row in near if row.name in lengths]
        if not known:
            return self._assumed(encoder, lengths[set_name], precision, "score")
        done = sum(
            row.audio_seconds * forward_operations(encoder, lengths[row.name]) for row in known
        )
        rate = done / sum(row.seconds for row in known)
        return Pace(forward_operations(encoder, lengths[set_name]) / rate, "scaled")

    def _piloted(self, work: str, model: str, precision: str) -> list[PilotRow]:
        # A CPU computes in fp32, whatever is asked.
        same = [row for row in self.rows if self.device == "cpu" or row.precision == precision]
        return [row for row in same if (row.work, row.model) == (work, model)]

    def _assumed(
        self,
        encoder: Architecture,
        segment_seconds: float,
        precision: str,
        kind: Literal["train", "score"],
    ) -> Pace:
        """Return operations over the assumed speed."""
        if self.device == "cpu":
            teraflops = self.resources["cpu_teraflops"] * self.threads[kind]
        else:
            teraflops = self.resources["gpu_teraflops"][precision]
        seconds = forward_operations(encoder, segment_seconds) / (1e12 * teraflops)
        return Pace(seconds, "arithmetic")


def least_sure(bases: Iterable[Basis]) -> Basis:
    """Return the basis of a sum: that of its least sure part."""
    return max(bases, key=LEAST_SURE_LAST.index, default="arithmetic")


def _device(setting: str, rows: list[PilotRow]) -> str:
    """Return what jobs run on; with `auto` what the pilot found, a GPU where it was not run."""
    if setting == "auto":
        found = {row.device for row in rows} or {"cuda"}
        return "cuda" if "cuda" in found else "cpu"
    return setting.split(":", maxsplit=1)[0]
