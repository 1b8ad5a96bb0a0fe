"""Names of models, algorithms and test sets as tables and figures show them.

A shown text is plain Unicode in which `_{s}` stands for a subscript.
"""

import re
from collections.abc import Callable, Mapping

# As the paper's Table 1 prints them; every other name is shown as it is given.
PAPER_LABELS: Mapping[str, str] = {
    "xlsr_2b": "XLS-R-2B",
    "mms_1b": "MMS-1B",
    "mms_300m": "MMS-300M",
    "none": "×",
    "sft": "SFT",
    "grpo": "GRPO",
    "grpo_s": "GRPO_{s}",
    "sft-grpo": "SFT→GRPO",
    "sft-grpo_s": "SFT→GRPO_{s}",
    "grpo_beta0": "GRPO (β=0)",
    "grpo_beta1": "GRPO (β=1)",
    "grpo_noneg": "GRPO w/o neg.",
    "dfe24_4s": "4 s",
    "dfe24_10s": "10 s",
    "dfe24_13s": "13 s",
    "dfe24_30s": "30 s",
    "dfe24_50s": "50 s",
    "add23": "ADD23",
    "for": "FoR",
    "dv": "DV",
    "itw": "ItW",
}


def translate(text: str, plain: Callable[[str], str], subscript: Callable[[str], str]) -> str:
    """Rewrite a shown text for one format.

    Parameters
    ----------
    text
        With `_{...}` for a subscript.
    subscript
        Marks up text that `plain` has escaped already.
    """
    pieces = re.split(r"_\{([^{}]*)\}", text)
    return "".join(
        subscript(plain(piece)) if index % 2 else plain(piece) for index, piece in enumerate(pieces)
    )
