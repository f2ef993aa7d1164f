"""What the privacy attacks share: who is attacked, with what, and how success is counted."""
