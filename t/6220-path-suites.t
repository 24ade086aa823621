#!/bin/sh
# 6220-path-suites.t - the cases of public path-validation suites, written again after their descriptions
here=${0%/*}
exec "${POSTERN_BUILD:-$here/../build}/t/helper/path-cases" "$here"/paths/pkits "$here"/paths/rfc5280 "$here"/paths/names
