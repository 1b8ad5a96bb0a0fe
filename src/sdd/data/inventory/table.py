"""The inventory as a table: a row for each finding, after a row for each count."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from sdd.data.inventory.corpus import Inventory
from sdd.data.inventory.findings import KINDS
from sdd.runtime.atomic_files import atomic_path

COLUMNS = ("corpus", "kind", "effect", "what", "detail")


def write_table(inventories: Iterable[Inventory], path: Path) -> None:
    """Write inventories as a CSV of `COLUMNS`, all at once or not at all.

    Rows of kind `count` say how much there is, rows of the other kinds are findings.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(COLUMNS)
        for inventory in inventories:
            writer.writerows((inventory.corpus, *row) for row in _rows(inventory))


def _rows(inventory: Inventory) -> Iterator[tuple[str, str, str, str]]:
    for count in inventory.counts:
        detail = f"{count.found} of {count.listed} utterances, {count.hours:.2f} h"
        yield "count", "", count.part, detail
    for kind in KINDS:
        for finding in inventory.findings:
            if finding.kind == kind:
                yield finding.kind, finding.effect, finding.what, finding.detail
