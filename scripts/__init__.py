"""What `make demo` runs, and how commands and servers are run here."""
