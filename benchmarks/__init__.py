"""How fast the platform is, against the shortest SQL that does the same."""
