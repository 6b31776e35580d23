"""The product: logic and value objects; no Dagster, no FastAPI.

Add here what does not depend on when it runs (orchestration/), on how Dagster shows it (assets/, checks/) or on where
its bytes are stored (ratchet/storage/).
"""
