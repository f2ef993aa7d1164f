"""Tables, columns, keys and references."""
