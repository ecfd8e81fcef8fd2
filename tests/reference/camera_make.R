# Reference values for tests/enrichment/test_camera.py, from R 4.2.2 and limma 3.54.
# Run in this folder: Rscript camera_make.R
# Writes camera_values.tsv (simulated genes × samples, and their statistics),
# camera_expected.tsv (cameraPR, camera, interGeneCorrelation on them).
suppressMessages(library(limma))
set.seed(20150416)
genes <- 240
samples <- 12
values <- matrix(round(rnorm(genes * samples), 6), genes)
shared <- rnorm(samples)
values[1:30, ] <- round(values[1:30, ] + 0.8 * rep(shared, each = 30), 6)
design <- cbind(1, rep(0:1, each = samples / 2))
values[21:60, 7:12] <- values[21:60, 7:12] + 0.7
rownames(values) <- sprintf("g%03d", seq_len(genes))
colnames(values) <- sprintf("s%02d", seq_len(samples))
fit <- lmFit(values, design)
stat <- round(fit$coefficients[, 2] / fit$stdev.unscaled[, 2] / fit$sigma, 6)
sets <- list(correlated = 1:30, up = 21:60, small = c(5, 77, 140), one = 33L, null = 100:179)
write.table(data.frame(gene = rownames(values), stat = stat, values), "camera_values.tsv",
            sep = "\t", quote = FALSE, row.names = FALSE)
pr <- function(rho) cameraPR(stat, sets, use.ranks = FALSE, inter.gene.cor = rho, sort = FALSE)
estimated <- camera(values, sets[1:2], design, inter.gene.cor = NA, sort = FALSE)
sign <- function(tab) ifelse(tab$Direction == "Up", 1, -1)
igc <- vapply(sets[c(1, 2, 3, 5)], function(i) interGeneCorrelation(values[i, ], design)$correlation, 0)
out <- data.frame(
  set = names(sets),
  genes = vapply(sets, function(i) paste(rownames(values)[i], collapse = ";"), ""),
  sign = sign(pr(0.01)), p_001 = pr(0.01)$PValue, p_0 = pr(0)$PValue, p_01 = pr(0.1)$PValue,
  correlation = igc[names(sets)]
)
out[] <- lapply(out, function(x) if (is.numeric(x)) ifelse(is.na(x), NA, sprintf("%.15g", x)) else x)
write.table(out, "camera_expected.tsv", sep = "\t", quote = FALSE, row.names = FALSE, na = "NA")
# camera itself moderates the variance before it tests; only its correlation is compared.
print(estimated, digits = 12)
