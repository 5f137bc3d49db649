# Where programs built for the tests are kept, for the scripts beside this one;
# to be sourced. Sets `cache` (an absolute path that exists) and, if need be, HOME.

# Bazel gives its tests no HOME, or one that is thrown away.
if [[ -z "${HOME:-}" || "$HOME" == "${TEST_TMPDIR:-/dev/null}"* ]]; then
  HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"
  export HOME
fi
cache="${NETPOL_CONTROL_PLANE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/netpol}"
mkdir -p "$cache" || {
  echo "$0: cannot make the folder $cache; name another one in NETPOL_CONTROL_PLANE_CACHE" >&2
  exit 1
}
cache="$(cd "$cache" && pwd)"

# Takes the lock of `name` in the cache until the script ends, so that several
# tests that find something missing make it once.
lock() {
  local name="$1"
  exec {lock_fd}> "$cache/$name.lock"
  flock --nonblock "$lock_fd" || {
    echo "$0: another process is making $cache/$name; waiting for it" >&2
    flock "$lock_fd"
  }
}
