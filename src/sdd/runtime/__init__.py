"""What every job needs around its work: whole files, digests, devices, stopping, locks, logs."""
