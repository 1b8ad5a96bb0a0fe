"""One page that holds an experiment's results and what they were made with.

`report` collects tables, figures and claims, `provenance` facts; `page` shows them.
"""
