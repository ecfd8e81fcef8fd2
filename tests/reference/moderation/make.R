# Reference values for pathcall.stats.ebayes and pathcall.signatures.sample_scores: limma's squeezeVar, and
# lmFit + contrasts.fit + eBayes on scores of 12 samples (2 × 2, three replicates).
# Rscript make.R OUTDIR      (made with R 4.2.2, limma 3.54)
library(limma)
options(digits = 17)
out <- commandArgs(trailingOnly = TRUE)[1]
save <- function(frame, name) {
  write.table(frame, file.path(out, name), sep = "\t", quote = FALSE, row.names = FALSE)
}
set.seed(1)
squeezed <- function(case, d, v) {
  s <- squeezeVar(v, d)
  data.frame(case = case, df = d, variance = v, posterior = s$var.post, df_prior = s$df.prior,
             scale = s$var.prior)
}
cases <- list()
for (d in c(3, 8, 24)) {
  v <- rchisq(40, d) / d * 0.3 / (rchisq(40, 6) / 6)
  cases[[length(cases) + 1]] <- squeezed(paste0("df", d), d, v)
}
cases[[4]] <- squeezed("alike", 10, rep(0.5, 30) * (1 + 0.01 * sin(1:30)))
save(do.call(rbind, cases), "squeeze_expected.tsv")
y <- matrix(rnorm(25 * 12, sd = rep(sqrt(0.2 / (rchisq(25, 5) / 5)), 12)), 25, 12)
rownames(y) <- paste0("s", 1:25)
tumour <- rep(c(0, 1), each = 6)
drug <- rep(rep(c(0, 1), each = 3), 2)
design <- cbind(1, tumour, drug, tumour * drug)
y[1:5, tumour * drug == 1] <- y[1:5, tumour * drug == 1] + 1
fit <- lmFit(y, design)
fit <- eBayes(contrasts.fit(fit, cbind(inter = c(0, 0, 0, 1), sr = c(0, 0, 1, 1))))
save(data.frame(score = rownames(y), y, check.names = FALSE), "scores_values.tsv")
save(data.frame(score = rownames(y), effect_inter = fit$coefficients[, 1], t_inter = fit$t[, 1],
                p_inter = fit$p.value[, 1], effect_sr = fit$coefficients[, 2], t_sr = fit$t[, 2],
                p_sr = fit$p.value[, 2], df_total = fit$df.total), "scores_expected.tsv")
