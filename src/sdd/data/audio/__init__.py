"""Audio: decoding, resampling, and the prepared files that segments are read from."""
