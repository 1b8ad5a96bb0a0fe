"""Corpora of real speech that anyone can get, and of fakes of it: the material of `make study`.

Recordings come in Debian packages (`packages`), fakes from free engines (`vocoders`, `voices`).
`roles` says which corpora there are, `corpora` makes them.
"""
