"""Maintenance: give back the space of what nobody needs any more, and look whether what is kept is whole."""

from warehouse.maintenance.items import Found, Item, Outcome, maintain
from warehouse.maintenance.warehouse_items import warehouse_items

__all__ = ["Found", "Item", "Outcome", "maintain", "warehouse_items"]
