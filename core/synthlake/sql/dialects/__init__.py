"""One file a dialect: what cannot be said in standard SQL."""
