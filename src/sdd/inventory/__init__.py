"""Taking stock of corpora: whether what is on disk is what the experiment needs."""

from sdd.inventory.corpus import Inventory, take_inventory
from sdd.inventory.findings import KINDS, Finding
from sdd.inventory.page import write_page
from sdd.inventory.table import write_table

__all__ = ["KINDS", "Finding", "Inventory", "take_inventory", "write_page", "write_table"]
