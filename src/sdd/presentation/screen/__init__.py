"""What a terminal or a log shows of a run while it goes on."""
