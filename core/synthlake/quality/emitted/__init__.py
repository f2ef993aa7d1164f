"""The judge's counting as SQL scripts, for where the data is and no engine of ours is."""
