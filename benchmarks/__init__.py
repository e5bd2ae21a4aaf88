"""This project beside its peers, over the same files, in one run. Each module here runs with `python -m`."""
