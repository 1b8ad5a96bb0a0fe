"""What the paper says of EERs in sections 3.3 to 3.5, each statement as a test on the table."""

from collections.abc import Iterable, Mapping, Sequence
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

    def test_sets(self, domains: Mapping[str, Sequence[str]]) -> list[str]:
        """List the columns of the table that are looked at."""
        return [column for name in self.where for column in domains.get(name, [name])]


NONE, SFT = Side("none"), Side("sft")
GRPO, GRPO_S = Side("grpo"), Side("grpo_s")
SFT_GRPO, SFT_GRPO_S = Side("sft-grpo"), Side("sft-grpo_s")
BOTH_AVERAGES = (AVERAGE[IN], AVERAGE[OUT])

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "sft_lowers_in_domain",
        "3.3",
        "their SFT fine-tuned counterparts … achieved lower EERs on the in-domain evaluation sets",
        "SFT lowers the EER on each in-domain set.",
        SFT,
        NONE,
        "lower",
        (IN,),
    ),
    Claim(
        "sft_raises_out_of_domain",
        "3.3",
        "but higher EERs on most of the out-of-domain test sets",
        "SFT raises the EER on most out-of-domain sets.",
        SFT,
        NONE,
        "higher",
        (OUT,),
        most=True,
    ),
    Claim(
        "sft_raises_itw",
        "3.3",
        "the EER is 1.24% on ItW (row 1) but increased to 6.35% after SFT fine-tuning (row 2)",
        "SFT raises the EER on In-the-Wild.",
        SFT,
        NONE,
        "higher",
        ("itw",),
        main_only=True,
    ),
    Claim(
        "grpo_alleviates",
        "3.3",
        "fine-tuning using pure GRPO (or GRPO_{s}) alleviates the degradation on out-of-domain "
        "test data",
        "GRPO has a lower out-of-domain average than SFT.",
        GRPO,
        SFT,
        "lower",
        (AVERAGE[OUT],),
    ),
    Claim(
        "grpo_s_alleviates",
        "3.3",
        "fine-tuning using pure GRPO (or GRPO_{s}) alleviates the degradation on out-of-domain "
        "test data",
        "GRPO_{s} has a lower out-of-domain average than SFT.",
        GRPO_S,
        SFT,
        "lower",
        (AVERAGE[OUT],),
    ),
    Claim(
        "grpo_beats_sft_on_each_set",
        "3.3",
        "the latter achieved lower EERs on all four out-of-domain test sets",
        "GRPO beats SFT on each out-of-domain set.",
        GRPO,
        SFT,
        "lower",
        (OUT,),
        main_only=True,
    ),
    Claim(
        "grpo_equals_sft_in_domain",
        "3.3",
        "while maintaining the performance on in-domain test data … on a par with those of using "
        "SFT",
        "GRPO and SFT have the same in-domain average.",
        GRPO,
        SFT,
        "equal",
        (AVERAGE[IN],),
    ),
    Claim(
        "grpo_lowers_in_domain",
        "3.3",
        "Of course, the EERs on the in-domain test sets are much lower than those without "
        "fine-tuning (row 1).",
        "GRPO lowers the EER on each in-domain set.",
        GRPO,
        NONE,
        "lower",
        (IN,),
    ),
    Claim(
        "grpo_s_like_grpo",
        "3.3",
        "Fine-tuning using GRPO_{s} achieved similar results to the case of using GRPO, for all "
        "three types of detection models",
        "GRPO_{s} and GRPO have the same averages.",
        GRPO_S,
        GRPO,
        "equal",
        BOTH_AVERAGES,
    ),
    Claim(
        "sft_grpo_equal_in_domain",
        "3.3",
        "SFT→GRPO does not outperform GRPO-only fine-tuning. While the EERs on the in-domain test "
        "sets are comparable",
        "SFT→GRPO and GRPO have the same in-domain average.",
        SFT_GRPO,
        GRPO,
        "equal",
        (AVERAGE[IN],),
    ),
    Claim(
        "sft_grpo_worse_out_of_domain",
        "3.3",
        "the former (row 6) obtained higher EERs than the latter (row 4) on the out-of-domain "
        "test sets",
        "SFT→GRPO has a higher EER than GRPO on each out-of-domain set.",
        SFT_GRPO,
        GRPO,
        "higher",
        (OUT,),
    ),
    Claim(
        "sft_grpo_s_worse_out_of_domain",
        "3.3",
        "The same trend was observed by comparing SFT→GRPO_{s} (row 5) and pure GRPO_{s} (row 3).",
        "SFT→GRPO_{s} has a higher EER than GRPO_{s} on each out-of-domain set.",
        SFT_GRPO_S,
        GRPO_S,
        "higher",
        (OUT,),
    ),
    Claim(
        "pre_trained_start_is_worse",
        "3.3",
        "GRPO is effective when applied to post-trained models, but not to the pre-trained models. "
        "This is obvious if we compare the results on the out-of-domain test data in rows 4 and "
        "12.",
        "GRPO from the pre-trained start has a higher EER on each out-of-domain set than from the "
        "post-trained one.",
        Side("grpo", "pre"),
        GRPO,
        "higher",
        (OUT,),
    ),
    Claim(
        "pre_trained_start_does_not_profit",
        "3.3",
        "GRPO is effective when applied to post-trained models, but not to the pre-trained models.",
        "From the pre-trained start GRPO has a higher out-of-domain average than SFT.",
        Side("grpo", "pre"),
        Side("sft", "pre"),
        "higher",
        (AVERAGE[OUT],),
    ),
    Claim(
        "sft_profits_from_post_training",
        "3.3, note 7",
        "SFT on the post-trained model … also outperformed SFT on the pre-trained model … on the "
        "out-of-domain test sets",
        "SFT from the post-trained start has a lower EER on each out-of-domain set.",
        SFT,
        Side("sft", "pre"),
        "lower",
        (OUT,),
    ),
    Claim(
        "beta0_equal_in_domain",
        "3.5",
        "GRPO without regularization (β=0, row 7) achieved similar EERs on in-domain test sets",
        "Without regularisation the in-domain average is the same.",
        Side("grpo_beta0"),
        GRPO,
        "equal",
        (AVERAGE[IN],),
    ),
    Claim(
        "beta0_raises_dv",
        "3.5",
        "but an increased EER of 6.50% on the out-of-domain DV",
        "Without regularisation the EER on DEEP-VOICE is higher.",
        Side("grpo_beta0"),
        GRPO,
        "higher",
        ("dv",),
    ),
    Claim(
        "beta1_underfits",
        "3.5",
        "when the regularization was stronger (β=1, row 8), the model obtained higher EERs … on "
        "the in-domain test sets and seemed to under-fit the target domain",
        "With β = 1 the EER is higher on each in-domain set.",
        Side("grpo_beta1"),
        GRPO,
        "higher",
        (IN,),
    ),
    Claim(
        "negatives_matter",
        "3.5",
        "not using the negative reward (row 9) obtained higher EERs on all the test sets than the "
        "default GRPO configuration (row 4)",
        "Without negative rewards the EER is higher on every set.",
        Side("grpo_noneg"),
        GRPO,
        "higher",
        (IN, OUT),
    ),
)


def pairs_of_claims(rows: Iterable[Identity]) -> list[Pair]:
    """List the pairs of rows that the claims compare, each once, in order.

    Parameters
    ----------
    rows
        (model, init, algorithm) of the rows that there are.
    """
    there = list(dict.fromkeys(rows))
    models = list(dict.fromkeys(model for model, _, _ in there))
    pairs = [(claim.a.of(model), claim.b.of(model)) for model in models for claim in CLAIMS]
    return [pair for pair in dict.fromkeys(pairs) if pair[0] in there and pair[1] in there]
