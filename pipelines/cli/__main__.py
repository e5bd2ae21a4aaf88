"""`python -m pipelines.cli`: the command line where `gristmill` is not on the path."""

from pipelines.cli import main

if __name__ == "__main__":
    main()
