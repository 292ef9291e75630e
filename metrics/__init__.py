"""Governed metrics: what they mean and what they are, from Python and from the terminal."""
