"""Figures: the paper's Figure 2, and what the paper does not show.

`figure2` draws the paper's; `training` what happened in training; `error_rates` error rates against
drift and the spread of rounds; `scores` DET curves and histograms; `all_figures` draws all of an
experiment; `style` is how they look.
"""
