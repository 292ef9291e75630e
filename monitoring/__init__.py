"""What tells people that something needs them: figures for Prometheus, and alerts. Dagster may be absent."""
