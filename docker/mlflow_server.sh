#!/bin/sh
# MLflow's server with its login. The place of its users is read from a file only, so the file is made here, for this
# user alone; a per cent sign means something in it.
set -eu
umask 077
cat > /tmp/mlflow_login.ini <<END
[mlflow]
database_uri = $(printf %s "$MLFLOW_BACKEND_STORE_URI" | sed 's/%/%%/g')
default_permission = READ
admin_username = admin
END
export MLFLOW_AUTH_CONFIG_PATH=/tmp/mlflow_login.ini
exec mlflow server --app-name basic-auth --serve-artifacts --host 0.0.0.0 --port 5000 "$@"
