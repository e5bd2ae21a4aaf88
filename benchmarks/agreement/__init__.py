"""Our signals and verdicts beside the originals', document by document. Run it: python -m benchmarks.agreement."""
