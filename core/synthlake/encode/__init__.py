"""Values as codes, and back."""
