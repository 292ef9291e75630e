#!/bin/sh
# Serve the code location to Dagster's webserver and daemon, on port 4000. Runs are processes of this container.
set -eu
# The manifest of this image, in place of one that another version left on the volume: parsing takes longer than all the
# rest of the start. It is right as long as it is younger than the code, so it keeps its time.
mkdir -p "$DBT_TARGET_PATH"
cp -R --preserve=timestamps dbt/target/. "$DBT_TARGET_PATH/"
exec dagster api grpc --host 0.0.0.0 --port 4000 --module-name orchestration --location-name orchestration
