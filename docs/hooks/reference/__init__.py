"""Pages of the reference, each made anew by every build from what it describes."""
