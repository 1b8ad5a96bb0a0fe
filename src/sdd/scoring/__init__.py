"""Scores: of sets of segments by a cell's detector, of recordings, and their files."""
