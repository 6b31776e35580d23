"""Measurement of the gates: how often each is wrong, and how often it sees what it should.

`make bench-gates` runs every row (`__main__.py`) on the product's own decision functions and writes
docs/explanation/gates.md. Add a row as a function that returns figures, in the module of its gate, and its line in
`rows.py`.
"""
