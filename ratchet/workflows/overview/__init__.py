"""Overview of a home: one card for each classifier, as the gateway's home page, as JSON, and as a file in the home.

Add here what somebody must see before they open any other page. One classifier in full is `ratchet status`
(`ratchet/workflows/status.py`), its weeks are `ratchet/workflows/history/`.
"""
