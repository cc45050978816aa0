#!/bin/sh
# Airflow's API server. The simple login manager opens its passwords' file for writing, so it gets a copy of its own.
set -eu
umask 077
printf '{"admin": "%s"}' "$(cat /run/secrets/airflow_admin_password)" > /opt/airflow/users.json
exec airflow api-server "$@"
