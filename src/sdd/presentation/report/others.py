"""Error rates of others beside those of Table 1, as a table of facts."""

from collections.abc import Mapping, Sequence

from sdd.analysis.other_figures import Beside
from sdd.presentation.labels import PAPER_LABELS, translate
from sdd.presentation.numbers import decimals
from sdd.presentation.report.provenance import FactTable

REMARK = (
    "EERs in percent. AntiDeepfake's README is of the paper's team: on the same data its "
    "fine-tuning differs from the paper's by up to 2.7 points (MMS-300M, 4 s). The Arena scored "
    "the authors' checkpoints anew; on In-the-Wild it has about twice the paper's EER, which is "
    "not explained (docs/deviations.md)."
)


def others_table(found: Sequence[Beside], labels: Mapping[str, str]) -> FactTable:
    """Tabulate figures of others beside the same cells of Table 1 and of the paper.

    Parameters
    ----------
    labels
        Shown text of models, algorithms and test sets.
    """
    names = {**PAPER_LABELS, "none": "not fine-tuned", **labels}
    rows = tuple(
        (
            " / ".join(_shown(names, name) for name in one.other.identity),
            _shown(names, one.other.test_set),
            decimals(one.measured),
            decimals(one.paper),
            decimals(one.other.eer),
            ", ".join(filter(None, (one.other.source, one.other.note, one.other.url))),
        )
        for one in found
    )
    columns = ("row", "test set", "here", "paper", "others", "whose")
    return FactTable("The same cells elsewhere", columns, rows, REMARK)


def _shown(names: Mapping[str, str], name: str) -> str:
    return translate(names.get(name, name), str, str)
