"""What is looked for: the panel of gene sets and footprints, and scores of samples."""
