"""`python -m tuneyard.search.cli`: the command line where no script is installed."""

from tuneyard.search.cli.main import main

if __name__ == "__main__":
    main()
