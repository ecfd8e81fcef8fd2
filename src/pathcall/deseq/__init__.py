"""The fit: negative binomial models by DESeq2's method."""
