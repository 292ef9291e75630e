"""The plain way: ingestion and dbt models as most projects of this kind have them, to compare the platform with."""
