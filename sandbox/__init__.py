"""Stands in for the three publishers: makes files in their formats, quirks included, and serves them.

For tests, the demo and the benchmark; ordinary use of the platform never comes here. `files` writes one
month's file of a feed, `server` publishes months over HTTP, `python -m sandbox` is
the command line.
"""
