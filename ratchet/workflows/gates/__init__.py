"""Gates over the facts of a home: deployment targets, trials of candidates, and repeated decisions."""
