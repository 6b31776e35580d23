"""Exports: an adapter in the formats that other runtimes load, each compared with the adapter it was made from."""
