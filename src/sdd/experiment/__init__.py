"""What an experiment is: its config, cells, result files, jobs and what these need."""
