"""The command `nyc`: everything that the platform does, from the terminal."""
