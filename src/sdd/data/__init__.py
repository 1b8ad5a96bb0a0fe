"""From corpora as released to batches of segments."""
