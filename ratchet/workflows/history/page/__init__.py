"""Trends page: a history in, one HTML page out, drawn as inline SVG and without a script.

Add a chart in `charts.py`, a part of the page as a template. Numbers are read in `ratchet/workflows/history/`, never
computed here.
"""
