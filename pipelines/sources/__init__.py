"""Corpora as they are published: what a manifest says of them, and how their files become raw batches."""
