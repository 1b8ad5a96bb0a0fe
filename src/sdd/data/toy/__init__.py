"""Toy corpora: synthetic speech and fakes in the trees of the released corpora.

`voice` and `speech` synthesise, `fakes` are families of artefacts, `conditions` records, `domains`
say which corpus has which, and `releases` writes the trees.
"""
