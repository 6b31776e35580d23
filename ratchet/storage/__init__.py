"""Storage: plain files and the warehouse, no decisions. Each module owns one kind of file and survives a crash."""
