"""Where data comes from and goes to beyond files and DuckDB, and hand-offs to other hosts."""
