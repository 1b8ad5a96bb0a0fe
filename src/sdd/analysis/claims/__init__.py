"""The paper's claims, held against the table at hand: claims.csv and a page.

`statements` and `drift` say what the paper claims and how it is tested, `judging` turns tests into
verdicts, `assessment` puts all claims to a table, `files` finds it on disk, `page` shows them.
Nothing is imported here: planning a workflow needs `statements` alone, without pandas.
"""
