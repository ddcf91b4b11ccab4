#!/usr/bin/env bash
# campaign_scripts.sh MMUREF SOURCE SCRATCH: the Slurm recipes, with what Slurm sets set here, on
# campaigns that take a second.
set -euo pipefail
export MMUREF=$1
source=$2 folder=$3/shards
for script in "$source"/campaigns/*; do bash -n "$script"; done

campaign() { # COMMAND…
  rm -rf "$folder"
  for task in 2 0 1; do
    SLURM_ARRAY_TASK_ID=$task "$source/campaigns/shard.sbatch" 3 "$folder" "$@" >/dev/null
  done
  "$source/campaigns/merge.sbatch" "$folder"
}
campaign diff --oracle spec --count 100000
campaign prove canonical --threads 1
campaign flush campaign "linux-4.6 2x"

# A shard that never ran is missed.
rm "$folder/1.jsonl"
code=0
"$source/campaigns/merge.sbatch" "$folder" || code=$?
[ "$code" -eq 1 ]

# Called with too little, a script says so.
for wrong in "shard.sbatch 3 $folder diff" "shard.sbatch" "merge.sbatch"; do
  code=0
  # shellcheck disable=SC2086
  said=$(env -u SLURM_ARRAY_TASK_ID "$source"/campaigns/$wrong 2>&1) || code=$?
  [ "$code" -eq 2 ] && [ "$(wc -l <<<"$said")" -eq 1 ]
done
