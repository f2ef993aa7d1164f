"""What seems to hold between the columns of a table, counted on a sample: proposed, not assumed."""
