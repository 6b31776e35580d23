"""Inference: predictors of one adapter, and models that several adapters share."""
