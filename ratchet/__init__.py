"""The product: why and how well. Logic and value objects; no Dagster, no FastAPI.

Add here what can be said without knowing when it runs (orchestration/), what Dagster shows of it (assets/, checks/)
or where its bytes lie (ratchet/storage/).
"""
