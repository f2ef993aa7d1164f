"""What a run does: spec, plan, steps, twin."""
