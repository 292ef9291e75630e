"""The command `nyc`: everything that the platform does, from the terminal."""

from warehouse.garbage import collect_seldom

collect_seldom()
