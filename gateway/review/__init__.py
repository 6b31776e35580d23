"""Reviewing at the gateway: login sessions of people at a browser, and what the review page does."""
