"""Disks in memory that lose power or fill up, and trials of stores on them."""
