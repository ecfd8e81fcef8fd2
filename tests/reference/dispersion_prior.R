# Histograms of log(chisq_df / df) + N(0, v): what DESeq2 1.38.3 compares the spread of log
# dispersions with at 1 to 3 residual degrees of freedom. It draws them anew in each run, but always
# from set.seed(2), so that they depend on the degrees of freedom alone: constants.
#
#   Rscript tests/reference/dispersion_prior.R | gzip -9n > src/pathcall/deseq/dispersion_prior.tsv.gz
#
# One row per (df, v); columns: df, then the counts of 10,000 draws in 40 bins of -10..10 by 0.5.
breaks <- -20:20 / 2
for (df in 1:3) {
  set.seed(2)
  for (v in seq(from = 0, to = 8, length = 200)) {
    draw <- log(rchisq(10000, df = df)) + rnorm(10000, 0, sqrt(v)) - log(df)
    draw <- draw[draw > min(breaks) & draw < max(breaks)]
    cat(c(df, hist(draw, breaks = breaks, plot = FALSE)$counts), sep = "\t")
    cat("\n")
  }
}
