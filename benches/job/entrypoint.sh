#!/bin/sh
# The entrypoint job of the benchmark as images have it today; onset.toml has the same.
set -eu

# NAME: its value comes from the file that NAME_FILE names.
file_env() {
    eval "file=\${${1}_FILE-}"
    if [ -n "$file" ]; then
        eval "export $1=\"\$(cat \"\$file\")\""
        unset "${1}_FILE"
    fi
}

file_env DB_PASSWORD
file_env API_TOKEN
: "${DB_HOST:?}" "${DB_NAME:?}" "${DB_USER:?}" "${SERVER_NAME:?}" "${DB_PASSWORD:?}" "${API_TOKEN:?}"
export APP_ENV="${APP_ENV:-production}"
export LOG_LEVEL="${LOG_LEVEL:-info}"
export PORT="${PORT:-8080}"
export WORKERS="${WORKERS:-4}"
export DB_PORT="${DB_PORT:-5432}"
export CACHE_SIZE="${CACHE_SIZE:-64m}"

names='$DB_HOST $DB_NAME $DB_USER $SERVER_NAME $DB_PASSWORD $API_TOKEN $APP_ENV $LOG_LEVEL $PORT $WORKERS $DB_PORT $CACHE_SIZE'
mkdir -p run/conf
envsubst "$names" <templates/logging.conf.template >run/conf/logging.conf
# A secret is in it.
umask 077
envsubst "$names" <templates/settings.conf.template >run/conf/settings.conf
umask 022
envsubst "$names" <templates/site.conf.template >run/conf/site.conf

exec "$@"
