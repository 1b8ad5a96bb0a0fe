#!/bin/sh
# properties = {properties}
# Grid Engine warns all processes of a job; this shell and Snakemake must not end at it.
trap '' USR1
{exec_job}
