"""Checkpoints: fetching, reading safely, loading strictly, converting and saving."""
