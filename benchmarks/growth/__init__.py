"""How the work of the platform grows with the number of partitions that are loaded."""
