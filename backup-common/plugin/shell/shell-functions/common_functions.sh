# shellcheck shell=bash
# What shell functions of a plugin may call. A plugin that sources "common_functions.sh" from beside "$0", or from
# "$PLUGIN_DIR", gets this file. Values come on standard output, so messages of helpers that print one go to standard error.

# --- messages: LOG_LEVEL 0 errors, 1 warnings, 2 information, 3 debugging -------------------------------------------

log_error() { printf 'ERROR: %s\n' "$*" >&2; }
log_warn() { [ "${LOG_LEVEL:-2}" -lt 1 ] || printf 'WARN: %s\n' "$*" >&2; }
log_info() { [ "${LOG_LEVEL:-2}" -lt 2 ] || printf 'INFO: %s\n' "$*"; }
log_debug() { [ "${LOG_LEVEL:-2}" -lt 3 ] || printf 'DEBUG: %s\n' "$*" >&2; }
log_detail() { log_debug "$@"; }

# --- the task's options ---------------------------------------------------------------------------------------------

# get_yaml_value FILE PATH [DEFAULT]
# Prints the value at a path such as .host, .paths[0] or .paths[] (a line for each); DEFAULT when there is none, or null.
get_yaml_value() {
  local value
  if [ ! -r "$1" ]; then
    log_error "get_yaml_value: cannot read $1"
    printf '%s\n' "${3-}"
    return 1
  fi
  value=$(backup_json_value "$1" "$2" 2>/dev/null || backup_yq_value "$1" "$2") || value=null
  [ "$value" != null ] || value=${3-}
  printf '%s\n' "$value"
}

# The file of a task's options is JSON, which is YAML too: for plain paths in it no yq is needed.
backup_json_value() {
  case $2 in *[!][A-Za-z0-9_.\"-]*) return 1 ;; esac
  "${BACKUP_NODE:-node}" -e '
    const [file, path] = process.argv.slice(1);
    let value = JSON.parse(require("node:fs").readFileSync(file, "utf8"));
    for (const [, quoted, plain] of path.matchAll(/"([^"]*)"|([^.[\]"]+)/g)) value = value?.[quoted ?? plain];
    const text = (each) => (typeof each === "string" ? each : JSON.stringify(each ?? null));
    console.log(Array.isArray(value) ? value.map(text).join("\n") : text(value));
  ' -- "$1" "$2"
}

# Two programs have the name yq.
backup_yq_value() {
  "${YQ_CMD:-yq}" e "$2" "$1" 2>/dev/null || "${YQ_CMD:-yq}" -r "$2" "$1"
}

# --- checks: 0 when it is so; else 1 after saying why ---------------------------------------------------------------

# check_command NAME [MESSAGE] [PACKAGE]
check_command() {
  command -v "$1" >/dev/null && return 0
  log_error "${2:-there is no program $1}${3:+; it is in the package $3}"
  return 1
}
check_command_exists() { check_command "$@"; }

# is_valid_path PATH [-e|-f|-d|-r|-w|-x]
is_valid_path() {
  case ${2:--e} in -[efdrwx]) ;; *) set -- "$1" -e ;; esac
  [ -n "$1" ] && test "${2:--e}" "$1" && return 0
  log_error "\"$1\" is not what is needed (test ${2:--e})"
  return 1
}

# check_permissions PATH MODE [OWNER]; 400 does where 600 is asked for
check_permissions() {
  local mode owner
  mode=$(stat -c %a -- "$1") && owner=$(stat -c %U -- "$1") || { log_error "$1 cannot be looked at"; return 1; }
  if [ -n "${3-}" ] && [ "$owner" != "$3" ]; then
    log_error "$1 belongs to $owner, not to $3"
    return 1
  fi
  [ "$mode" = "$2" ] || [ "$mode:$2" = 400:600 ] && return 0
  log_error "$1 has mode $mode, not $2"
  return 1
}
check_perms() { check_permissions "$@"; }

# check_disk_space PATH MEBIBYTES
check_disk_space() {
  local free
  free=$(df -Pm -- "$1" | awk 'END { print $4 }')
  [ "${free:-0}" -ge "$2" ] 2>/dev/null && return 0
  log_error "$1 has ${free:-no} MiB free, $2 are needed"
  return 1
}
check_disk() { check_disk_space "$@"; }

# --- doing things ---------------------------------------------------------------------------------------------------

# run_cmd PROGRAM [ARGUMENT...]
run_cmd() {
  local status=0
  log_debug "runs: $*"
  "$@" || status=$?
  [ "$status" -eq 0 ] || log_error "\"$*\" ended with exit code $status"
  return "$status"
}

create_dir_secure() {
  mkdir -p -- "$1" && chmod 700 -- "$1" || { log_error "cannot make the folder $1"; exit 1; }
}

# create_secure_temp_file [TEMPLATE] [FOLDER], create_secure_temp_dir the same; in the work folder when left out
create_secure_temp_file() { backup_temp "${1:-tmpfile.XXXXXX}" "${2-}"; }
create_secure_temp_dir() { backup_temp "${1:-tmpdir.XXXXXX}" "${2-}" -d; }
backup_temp() {
  local folder=${2:-${TMPDIR:-/tmp}}
  mkdir -p -- "$folder" && mktemp ${3:+"$3"} -- "$folder/$1" || { log_error "cannot make $folder/$1"; exit 1; }
}
