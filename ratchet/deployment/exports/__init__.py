"""Exports: an adapter in the forms that other runtimes load, each compared with the adapter that it was made from."""
