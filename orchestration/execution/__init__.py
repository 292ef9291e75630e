"""How steps run: in which process, how often again, and never two writers at once."""
