#!/bin/sh
# Write a random password into deploy/secrets/NAME for each secret of compose.yaml that is not there. Others stay.
#
# On this machine the folder keeps everybody else out. The files themselves can be read: compose mounts them as they are,
# and the users of the containers are not yours.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
chmod 700 secrets
for name in postgres_password s3_access_key s3_secret_key grafana_admin_password; do
    if [ -s "secrets/$name" ]; then
        continue
    fi
    new=$(mktemp secrets/.new.XXXXXX)
    # 32 characters out of 64: 192 bits.
    head -c 24 /dev/urandom | base64 | tr '+/' '-_' > "$new"
    chmod 444 "$new"
    mv -f "$new" "secrets/$name"
    echo "wrote deploy/secrets/$name"
done
