# What the workflow does about clusters before it submits to one, or runs in a job of one.
from sdd.runtime.cluster import ignore_the_clusters_warning, last_known

ignore_the_clusters_warning()
# The Slurm plugin looks up MinJobAge before each look at the queue. While slurmctld does not answer
# it takes it for none and asks sacct, which without accounting never answers: it then forgets its
# jobs, and Snakemake waits for ever.
if plugin := sys.modules.get("snakemake_executor_plugin_slurm"):
    plugin.get_min_job_age = last_known(plugin.get_min_job_age, at_first=300)
