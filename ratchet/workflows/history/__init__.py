"""History of a classifier: one row for each week, read from the files that its cycles wrote.

Add here what is shown over weeks: the trends page, `ratchet history` and the home page's sparkline read it. What
happened within one week is its report's (`ratchet/evaluation/report/`).
"""
