"""Loads what the publishers publish into `raw_data`, a month of a feed at a time."""
