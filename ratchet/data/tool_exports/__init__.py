"""Exports of annotation tools and gateways, row by row: what each says of a request or of a label."""
