#!/bin/bash
# Calls one function of a plugin that is a file of shell functions:
#
#   call.sh PLUGIN FUNCTION [ARGUMENT...]    ends with the function's own exit code
#   call.sh PLUGIN                           lists all functions that are defined then
#
# Every call is a process of its own; what a plugin wants to remember it writes into files.

# shellcheck source=common_functions.sh
. "$(dirname "$(readlink -f "$0")")/common_functions.sh"

backup_plugin=$1
shift
# shellcheck source=/dev/null
. "$backup_plugin"

if [ $# -eq 0 ]; then
  declare -F
else
  "$@"
fi
