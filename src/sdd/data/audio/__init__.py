"""Audio: decoding, resampling, and the prepared files that segments are read from."""

SAMPLE_RATE = 16_000
"""Of everything after preparation, in Hz: what the detectors were trained on."""
