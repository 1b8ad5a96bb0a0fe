#!/usr/bin/env bash
# Submit a job script to Grid Engine: submit.sh RULE GPUS THREADS MEMORY_MB MINUTES SCRIPT
# Prints the number of the job. Set what your site asks for here.
set -euo pipefail

GROUP=${SDD_GROUP:-}              # TSUBAME: -g; without a group jobs end after 10 minutes
GPU_NODE=${SDD_GPU_NODE:-gpu_1=1} # resource type with one GPU
CPU_NODE=${SDD_CPU_NODE:-cpu_8=1} # resource type without
WARNING_MINUTES=10                # before the time limit training saves its state and leaves

rule=$1 gpus=$2 minutes=$5 script=$6 # TSUBAME's nodes have fixed cores and memory: $3 and $4 are
node=$CPU_NODE                       # for sites with a parallel environment and h_vmem
((gpus > 0)) && node=$GPU_NODE

mkdir -p logs/grid_engine
limits=(-l "$node" -l "h_rt=0:$minutes:0")
# At s_rt Grid Engine sends SIGUSR1, at h_rt SIGKILL.
((minutes > WARNING_MINUTES)) && limits+=(-l "s_rt=0:$((minutes - WARNING_MINUTES)):0")
qsub -terse -V -cwd -j y -o logs/grid_engine -N "sdd_$rule" ${GROUP:+-g "$GROUP"} \
  "${limits[@]}" "$script"
