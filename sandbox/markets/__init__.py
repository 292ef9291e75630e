"""Stand-ins for the publishers of the subject `markets`, and the command that sends its streams."""

from sandbox.markets.exchange.command import Trades
from sandbox.markets.stand_ins import STAND_INS

COMMANDS = (Trades(),)

__all__ = ["COMMANDS", "STAND_INS"]
