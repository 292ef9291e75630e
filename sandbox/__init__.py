"""Stands in for the publishers: makes files in their formats, quirks included, and serves them on this machine.

For tests, the demo and the benchmark; ordinary use of the platform never comes here. The modules of this folder are
the engine and know no subject. A subject has a folder of its name here, whose `STAND_INS` say what it can
serve; `sandbox/stand_ins.py` describes them. It may have `COMMANDS` too, of `sandbox/commands.py`.
"""
