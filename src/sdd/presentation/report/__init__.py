"""One page that holds an experiment's results and what they were made with.

`provenance` collects facts, `page` shows them beside tables, figures and claims.
"""
