"""The paper's claims, held against the table at hand: claims.csv.

`eer_statements` and `drift_statements` say what the paper claims and how it is tested, `judging`
turns tests into verdicts, `assessment` puts all claims to a table or to an experiment's files.
"""
