"""Audio: decoding, resampling, and the prepared files that segments are read from."""

SAMPLE_RATE = 16_000
