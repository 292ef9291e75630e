"""dbt as this project calls it: its manifest, arguments, runs, and what it built."""
