#!/usr/bin/env bash
# Tell Snakemake what became of a Grid Engine job: running, success or failed.
set -euo pipefail
job=$1

if qstat -j "$job" >/dev/null 2>&1; then
  # A job whose start failed stays in the queue in state Eqw for ever.
  if qstat | awk -v job="$job" '$1 == job && $5 ~ /E/ { found = 1 } END { exit !found }'; then
    echo failed
  else
    echo running
  fi
  exit
fi

# The accounting file follows late.
for _ in $(seq 15); do
  if record=$(qacct -j "$job" 2>/dev/null); then
    # A requeued job has a record for each of its starts; the last one counts.
    awk '$1 == "failed" { failed = $2 } $1 == "exit_status" { status = $2 }
         END { print (failed == 0 && status == 0) ? "success" : "failed" }' <<<"$record"
    exit
  fi
  sleep 2
done
echo failed
