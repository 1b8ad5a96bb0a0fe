"""A statement of the paper on EERs, as tests on the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sdd.analysis.claims.judging import Expected
from sdd.analysis.columns import AVERAGES, Identity

Pair = tuple[Identity, Identity]

IN, OUT = "in_domain", "out_of_domain"
AVERAGE = dict(zip((IN, OUT), AVERAGES, strict=True))


@dataclass(frozen=True)
class Side:
    """One row of the table, for a model to be filled in."""

    algorithm: str
    init: str = "post"

    def of(self, model: str) -> Identity:
        """Name the row of a model."""
        return model, self.init, self.algorithm


@dataclass(frozen=True)
class Claim:
    """A statement of the paper on EERs.

    Attributes
    ----------
    name, section, words
        Its name here, where it stands, and the paper's own words.
    statement
        What is tested, in our words.
    a, b
        The rows whose EERs are compared: a minus b.
    expected
        What each difference should be.
    where
        Test sets: a domain (each of its sets), an average, or one set.
    most
        Whether most of the expectations suffice, rather than all.
    main_only
        Whether the paper says it of XLS-R-2B alone: tested on the model of Figure 2.
    reading
        What the paper's words leave open and how it is read here; empty where they say it.
    """

    name: str
    section: str
    words: str
    statement: str
    a: Side
    b: Side
    expected: Expected
    where: tuple[str, ...]
    most: bool = False
    main_only: bool = False
    reading: str = ""

    def test_sets(self, domains: Mapping[str, Sequence[str]]) -> list[str]:
        """List the columns of the table that are looked at."""
        return [column for name in self.where for column in domains.get(name, [name])]


NONE, SFT = Side("none"), Side("sft")
GRPO, GRPO_S = Side("grpo"), Side("grpo_s")
SFT_GRPO, SFT_GRPO_S = Side("sft-grpo"), Side("sft-grpo_s")
BETA_0, BETA_1, NO_NEGATIVES = Side("grpo_beta0"), Side("grpo_beta1"), Side("grpo_noneg")
BOTH_AVERAGES = (AVERAGE[IN], AVERAGE[OUT])
