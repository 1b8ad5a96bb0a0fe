"""Columns that tables share. Light to import: nothing here needs pandas."""

Identity = tuple[str, str, str]
"""Model, init and algorithm of a row of Table 1."""

IDENTITY = ("model", "init", "algorithm")
CELL_COLUMNS = (*IDENTITY, "round", "test_set", "eer_percent")
"""What Table 1 takes of the error rates of cells."""
IN_DOMAIN_AVERAGE = "in_domain_avg"
OUT_OF_DOMAIN_AVERAGE = "out_of_domain_avg"
AVERAGES = (IN_DOMAIN_AVERAGE, OUT_OF_DOMAIN_AVERAGE)
ONE_TRAINING = "one training"
"""In a note: an algorithm was trained once, so nothing is known of another training."""
