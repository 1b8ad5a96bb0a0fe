"""The inventory as a table: a row for each finding, after a row for each count."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sdd.data.inventory.corpus import Inventory
from sdd.data.inventory.findings import KINDS
from sdd.runtime.csv_rows import write_rows

COLUMNS = ("corpus", "kind", "effect", "what", "detail")


def write_table(inventories: Iterable[Inventory], path: Path) -> None:
    """Write inventories as a CSV of `COLUMNS`, all at once or not at all.

    Rows of kind `count` say how much there is, rows of the other kinds are findings.
    """
    rows = [
        {"corpus": inventory.corpus, **row} for inventory in inventories for row in _rows(inventory)
    ]
    write_rows(path, rows, COLUMNS, quote_all=True)


def _rows(inventory: Inventory) -> Iterator[dict[str, str]]:
    for count in inventory.counts:
        detail = f"{count.found} of {count.listed} utterances, {count.hours:.2f} h"
        yield {"kind": "count", "effect": "", "what": count.part, "detail": detail}
    for kind in KINDS:
        for finding in inventory.findings:
            if finding.kind == kind:
                yield {
                    "kind": finding.kind,
                    "effect": finding.effect,
                    "what": finding.what,
                    "detail": finding.detail,
                }
