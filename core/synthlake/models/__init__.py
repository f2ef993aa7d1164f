"""What learns one table: synthesizers, by name in the registry."""
