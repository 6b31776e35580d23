"""Journal: rows that the gateway has acknowledged, until they are sealed as segments."""
