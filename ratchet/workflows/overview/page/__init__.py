"""The home page: cards in, one HTML document out.

Add here what the page shows; its facts are `ratchet/workflows/overview/cards.py`.
"""
