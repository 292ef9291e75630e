"""Stand-ins for the publishers of the subject `mobility`."""

from sandbox.mobility.stand_ins import STAND_INS

__all__ = ["STAND_INS"]
