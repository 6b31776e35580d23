"""Gates: pure decisions on a cycle's data and candidate, one module each; each returns a verdict with its reason."""
