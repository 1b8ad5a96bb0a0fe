"""Taking stock of corpora: whether what is on disk is what the experiment needs."""

from sdd.data.inventory.corpus import Inventory, take_inventory
from sdd.data.inventory.findings import KINDS, Finding
from sdd.data.inventory.table import write_table

__all__ = ["KINDS", "Finding", "Inventory", "take_inventory", "write_table"]
