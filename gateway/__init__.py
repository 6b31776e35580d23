"""HTTP gateway: classifies texts with live adapters. It imports no Dagster and never opens the warehouse."""
