"""The fault matrix.

Each test is marked with its row; `docs/faults.md` is generated from the marks.
"""
