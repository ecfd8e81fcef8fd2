"""Compiled inner loops of the negative binomial fits: one pass per gene, no Python between genes.

Every kernel works on a block of genes (``genes × samples`` arrays, C order) and treats each gene
on its own, in one fixed order of operations. Blocks can therefore be spread over threads
(`pathcall.deseq.layout.over_genes`) without changing a single bit of the result, and no BLAS is
involved.

Two things make them fast. Samples with the same row of the design share their linear predictor, so
normal equations are summed over the *distinct* rows of the design
(`pathcall.deseq.layout.Layout`): 1,000 samples of a 4-level factor cost 4 outer products a step.
And where there are as many distinct rows as coefficients (a "saturated" layout: one coefficient per
cell) the Cox–Reid determinant is a product.
"""
