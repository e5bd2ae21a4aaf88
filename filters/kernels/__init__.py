"""Kernels: what reads the bytes of texts, compiled by numba."""
