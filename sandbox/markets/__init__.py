"""Stand-ins for the publishers of the subject `markets`."""

from sandbox.markets.stand_ins import STAND_INS

__all__ = ["STAND_INS"]
