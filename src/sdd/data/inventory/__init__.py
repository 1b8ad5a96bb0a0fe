"""Taking stock of corpora: whether what is on disk is what the experiment needs."""

from sdd.data.inventory.corpus import Inventory, take_inventory
from sdd.data.inventory.findings import KINDS, Finding
from sdd.data.inventory.table import write_table
from sdd.presentation.inventory_page import write_page

__all__ = ["KINDS", "Finding", "Inventory", "take_inventory", "write_page", "write_table"]
