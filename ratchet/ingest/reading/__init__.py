"""Reading of one file into the staging table: its columns as ours, each row with its line and its reason."""
