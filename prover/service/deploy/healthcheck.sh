#!/bin/bash
# Whether the service takes jobs: `/readyz` answers 200. Usage: healthcheck [HOST PORT]. Needs bash alone: the image has no HTTP client.
set -euo pipefail
exec 3<>"/dev/tcp/${1:-127.0.0.1}/${2:-8451}"
printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r -t 4 line <&3
[[ $line == 'HTTP/1.1 200 '* ]] || { printf '%s\n' "$line" >&2; exit 1; }
