"""Who answers: the HTTP gateway. It imports no Dagster and never opens the warehouse."""
