"""Where Spark keeps its tables, and how a session of it is set. Needs no Spark."""

import os
from pathlib import Path

from warehouse.paths import PROJECT_ROOT, database_path

FOLDER_VARIABLE = "SPARK_FOLDER"
MASTER_VARIABLE = "SPARK_MASTER"
MEMORY_VARIABLE = "SPARK_MEMORY"
_DEFAULT_MEMORY = "4g"
# What Java and Spark said since the last start, below the folder.
LOG_FILE = "spark.log"

# What the models take for granted, whoever runs the server.
SQL_SETTINGS = {
    # Times are without a zone, as published, or UTC.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    # A cast of a text that says no number gives null, as dbt-spark has it.
    "spark.sql.ansi.enabled": "false",
    # `insert overwrite` replaces the partitions that it has rows of, and no others.
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    # Hive's catalog cannot look up every date, such as 1582-10-10: Spark then looks through all partitions.
    "spark.sql.hive.metastorePartitionPruningFallbackOnException": "true",
}


def spark_folder() -> Path:
    """Where tables and their catalog are, absolute: `SPARK_FOLDER`, by default `spark` beside the DuckDB file.

    A relative path is relative to the project root.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    return PROJECT_ROOT / folder if folder else database_path().parent / "spark"


def session_settings() -> dict[str, str]:
    """The settings of a session that this process starts, by the names that Spark gives them."""
    folder = spark_folder()
    return {
        **SQL_SETTINGS,
        "spark.app.name": PROJECT_ROOT.name,
        "spark.master": os.environ.get(MASTER_VARIABLE) or "local[*]",
        "spark.driver.memory": os.environ.get(MEMORY_VARIABLE) or _DEFAULT_MEMORY,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder / "tables"),
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder / 'catalog'};create=true",
        "spark.driver.extraJavaOptions": f"-Dderby.stream.error.file={folder / 'derby.log'}",
        # A crash leaves a folder without its table. What is made anew may take its place.
        "spark.sql.legacy.allowNonEmptyLocationInCTAS": "true",
        # Each process has its own, so that none waits for the port of another.
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.parquet.compression.codec": "zstd",
    }
