"""All that the paper says of EERs.

`section_statements` has sections 3.3 and 3.5; `summary_statements` the abstract, the findings that
section 1 lists and the conclusion, which say most of it again, at times more of it. Note 6 says
nothing of results.
"""

from collections.abc import Iterable

from sdd.analysis.claims.claim import Claim, Pair
from sdd.analysis.claims.section_statements import ABLATIONS, RESULTS
from sdd.analysis.claims.summary_statements import ABSTRACT, CONCLUSION, FINDINGS
from sdd.analysis.columns import Identity

CLAIMS: tuple[Claim, ...] = (*ABSTRACT, *FINDINGS, *RESULTS, *ABLATIONS, *CONCLUSION)


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
