"""Publishing: write, audit, publish. Makes a release of what is built, and switches readers to it at once.

`nyc publish` is the command; `warehouse/releases` is what readers need.
"""
