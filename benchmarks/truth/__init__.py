"""The calls scored on real perturbations whose answer is known, and on real replicates."""
