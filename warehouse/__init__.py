"""Where the DuckDB file is, how it is opened, and the ledger of what was done to it.

Everything else imports this package; it imports none of the others.
"""
