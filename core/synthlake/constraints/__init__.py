"""What always holds between columns, found in the data and kept by construction."""
