"""The command line: one file per command, which `main` puts together."""
