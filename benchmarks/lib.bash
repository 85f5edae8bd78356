# What benchmarks/run and benchmarks/memory share: building, starting a server, loading it.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(mktemp -d)
server_pid=
trap finish EXIT

finish() {
  stop_server
  rm -rf "$scratch"
}

# build SERVER...: sets `loadgen`, `limit` and, when a server needs it, `host`. HOST=PATH takes a host that is built.
build() {
  make --silent -C "$root/benchmarks"
  loadgen=$root/build/bench/loadgen
  limit=$root/build/bench/limit-server
  host=${HOST:-}
  if [[ -z $host && " $* " =~ \ (inline|workers)\  ]]; then
    echo "building the bench host" >&2
    host=$(make --silent --no-print-directory -C "$root" bench-host | tail -n 1)
  fi
}

# With two cores or more the server has one and the load generator another, so that neither waits for the other and the
# server's threads share what one core can do. On a single core they share it, and the figures say little.
pin() {
  local core=$1
  shift
  if [[ $(nproc) -gt 1 ]] && command -v taskset >/dev/null; then exec taskset -c "$core" "$@"; else exec "$@"; fi
}

pinning() {
  if [[ $(nproc) -gt 1 ]] && command -v taskset >/dev/null; then
    echo "server on core 0, load generator on core 1"
  else
    echo "server and load generator not pinned: one core, or no taskset"
  fi
}

# start_server echo|limit|inline|workers: sets `server_pid` and `server_port`.
start_server() {
  local -a command
  case $1 in
    echo) command=("$limit" --answer echo --port 0) ;;
    limit) command=("$limit" --answer pair --port 0) ;;
    inline | workers) command=("$host" --port 0 --delivery "$1") ;;
    *) echo "no server '$1' (echo, limit, inline, workers)" >&2 && return 2 ;;
  esac
  coproc child { pin 0 "${command[@]}" 2>"$scratch/server.err"; }
  server_pid=$!
  server_port=
  # Bash forgets the array as soon as the server has ended.
  local line output=${child[0]}
  while IFS= read -r -t 20 -u "$output" line; do
    if [[ $line =~ listening\ on.*[^0-9]([0-9]+)$ ]]; then
      server_port=${BASH_REMATCH[1]}
      return 0
    fi
  done
  echo "the server '$1' did not start: ${command[*]}" >&2
  cat "$scratch/server.err" >&2
  stop_server
  return 1
}

stop_server() {
  [[ -n $server_pid ]] || return 0
  kill "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=
}

# load SERVER ARGUMENT...: drives the server that runs and prints one line of JSON. The limit has no highest version, and
# the echo no state.
load() {
  local server=$1
  shift
  case $server in
    echo) set -- "$@" --max-version 0 --complete reply ;;
    limit) set -- "$@" --max-version 0 ;;
  esac
  (pin 1 timeout 300 "$loadgen" --port "$server_port" --pid "$server_pid" --json "$@")
}
