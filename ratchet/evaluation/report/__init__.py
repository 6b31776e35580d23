"""Eval report as one HTML page: figures, charts and tables of `eval_report.json`, with no request to anywhere."""
