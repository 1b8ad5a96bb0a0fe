"""Table 1: error rates of every model, start and fine-tuning algorithm on every test set.

`arrangement` and `difference_arrangement` arrange tables as the paper does, each renderer writes an
arrangement in one format, `recipe_tables` writes those of several recipes.
"""
