#!/bin/bash
# VARIABLE=VALUE… PROGRAM ARGUMENT…: runs the program with these variables, those
# that the caller set already as they are.
while [[ "$1" == *=* ]]; do
  variable="${1%%=*}"
  [[ -v "$variable" ]] || export "$1"
  shift
done
exec "$@"
