"""The floor: hand-written SQL that makes the same rows as dbt, straight from raw data, without dbt."""
