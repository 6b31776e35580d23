"""Commands of every week: ingest, cycle, report, sweep, teach."""
