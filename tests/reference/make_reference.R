# Reference values of R DESeq2 for tests/deseq/test_reference.py and tests/deseq/test_vst.py.
#
#   Rscript tests/reference/make_reference.R        (DESeq2 1.38.3, from the repository's top)
#
# Data: simulations made here, and every eighth gene of the embedded study. One folder a data set:
# counts.tsv.gz, design.tsv, weights.tsv (contrast × coefficients), genes.tsv.gz (dispersions),
# results.tsv.gz (contrast × genes), and lrt.tsv.gz, vst.tsv.gz for some.
suppressMessages(library(DESeq2))
here <- "tests/reference"
set.seed(20150416)

write <- function(x, folder, file) {
  path <- file.path(here, folder, file)
  out <- if (grepl("gz$", file)) gzfile(path, "w", compression = 9) else file(path, "w")
  write.table(x, out, sep = "\t", quote = FALSE, row.names = FALSE)
  close(out)
}
short <- function(x) signif(as.numeric(x), 10)

reference <- function(name, counts, samples, design, contrasts, reduced = NULL, vst = FALSE,
                      size_factors = "ratio", lengths = NULL) {
  dir.create(file.path(here, name), showWarnings = FALSE)
  if (is.null(lengths)) {
    dds <- DESeqDataSetFromMatrix(counts, samples, design)
  } else {
    # As after tximport, of estimated counts and average transcript lengths.
    txi <- list(counts = counts, abundance = counts, length = lengths, countsFromAbundance = "no")
    dds <- DESeqDataSetFromTximport(txi, samples, design)
    write(data.frame(gene_id = rownames(counts), signif(lengths, 10)), name, "lengths.tsv.gz")
  }
  dds <- DESeq(dds, quiet = TRUE, sfType = size_factors)
  x <- attr(dds, "modelMatrix")
  m <- mcols(dds)
  write(data.frame(gene_id = rownames(counts), counts), name, "counts.tsv.gz")
  sf <- sizeFactors(dds)
  if (!is.null(lengths)) {
    sf <- colMeans(normalizationFactors(dds))
    write(data.frame(gene_id = rownames(counts), signif(normalizationFactors(dds), 14)), name,
          "normalization_factors.tsv.gz")
  }
  write(data.frame(sample = colnames(counts), size_factor = sprintf("%.12g", sf), x,
                   check.names = FALSE), name, "design.tsv")
  write(data.frame(gene_id = rownames(counts), base_mean = short(m$baseMean),
                   gene = short(m$dispGeneEst), trend = short(m$dispFit),
                   final = short(m$dispersion), max_cooks = short(m$maxCooks),
                   replaced = if (is.null(m$replace)) FALSE else m$replace), name, "genes.tsv.gz")
  rows <- list()
  weights <- list()
  for (k in names(contrasts)) {
    contrast <- contrasts[[k]]
    r <- results(dds, contrast = contrast$r, alpha = 0.05)
    rows[[k]] <- data.frame(contrast = k, gene_id = rownames(counts),
                            log2fc = short(r$log2FoldChange), lfc_se = short(r$lfcSE),
                            stat = short(r$stat), pvalue = short(r$pvalue), padj = short(r$padj))
    w <- setNames(rep(0, ncol(x)), colnames(x))
    w[names(contrast$w)] <- contrast$w
    weights[[k]] <- data.frame(contrast = k, t(w), check.names = FALSE)
  }
  write(do.call(rbind, rows), name, "results.tsv.gz")
  write(do.call(rbind, weights), name, "weights.tsv")
  if (!is.null(reduced)) {
    rows <- list()
    for (k in names(reduced)) {
      l <- results(nbinomLRT(dds, reduced = reduced[[k]], quiet = TRUE),
                   independentFiltering = FALSE)
      rows[[k]] <- data.frame(term = k, gene_id = rownames(counts), stat = short(l$stat),
                              pvalue = short(l$pvalue), padj = short(l$padj))
    }
    write(do.call(rbind, rows), name, "lrt.tsv.gz")
  }
  if (vst) {
    v <- assay(vst(dds, nsub = 200))
    write(data.frame(gene_id = rownames(v), signif(v, 10)), name, "vst.tsv.gz")
  }
  cat(name, "prior variance", attr(dispersionFunction(dds), "dispPriorVar"), "trend",
      attr(dispersionFunction(dds), "coefficients"), "replaced", sum(m$replace, na.rm = TRUE), "\n")
}

simulate <- function(n_genes, x, beta_sd) {
  # x: model matrix with intercept first; beta_sd: sd of each further coefficient (log2)
  base <- 2^rnorm(n_genes, 6, 3)
  beta <- sapply(beta_sd, function(s) rnorm(n_genes, 0, s) * rbinom(n_genes, 1, 0.4))
  alpha <- (0.05 + 2 / base) * exp(rnorm(n_genes, 0, 0.6))
  depth <- 2^runif(nrow(x), -0.7, 0.7)
  mu <- base * 2^(beta %*% t(x[, -1, drop = FALSE])) * rep(depth, each = n_genes)
  counts <- matrix(rnbinom(length(mu), mu = mu, size = 1 / alpha), n_genes)
  dimnames(counts) <- list(sprintf("g%04d", seq_len(n_genes)), sprintf("s%02d", seq_len(nrow(x))))
  counts[seq(50, n_genes, by = 100), ] <- 0L # some genes without any count
  counts
}
outliers <- function(counts, every) {
  rows <- seq(7, nrow(counts), by = every)
  for (i in rows) {
    j <- (i %% ncol(counts)) + 1
    counts[i, j] <- as.integer(counts[i, j] * 40 + 3000)
  }
  counts
}

# Eight against eight, with outliers: replaced and fitted again.
s <- data.frame(condition = factor(rep(c("a", "b"), each = 8)))
x <- model.matrix(~condition, s)
reference("replicated", outliers(simulate(500, x, 1), 25), s, ~condition,
          list(b_vs_a = list(r = c("condition", "b", "a"), w = c(condition_b_vs_a = 1))),
          vst = TRUE)

# Two against two: the dispersion prior at 2 residual degrees of freedom.
s <- data.frame(condition = factor(rep(c("a", "b"), each = 2)))
x <- model.matrix(~condition, s)
reference("two_by_two", simulate(600, x, 1.5), s, ~condition,
          list(b_vs_a = list(r = c("condition", "b", "a"), w = c(condition_b_vs_a = 1))))

# Five against five with outliers: too few to replace, p-values withheld, unless three samples
# exceed the outlier.
s <- data.frame(condition = factor(rep(c("a", "b"), each = 5)))
x <- model.matrix(~condition, s)
reference("outliers", outliers(simulate(500, x, 3), 20), s, ~condition,
          list(b_vs_a = list(r = c("condition", "b", "a"), w = c(condition_b_vs_a = 1))))

# Blocks, a continuous covariate and a treatment: more cells than coefficients.
s <- data.frame(block = factor(rep(c("p", "q", "r"), 4)), age = round(rnorm(12), 2),
                treatment = factor(rep(c("no", "yes"), each = 6)))
x <- model.matrix(~ block + age + treatment, s)
reference("covariate", simulate(500, x, c(0.5, 0.5, 0.3, 1)), s, ~ block + age + treatment,
          list(treatment = list(r = c("treatment", "yes", "no"), w = c(treatment_yes_vs_no = 1)),
               r_vs_q = list(r = c("block", "r", "q"),
                             w = c(block_r_vs_p = 1, block_q_vs_p = -1)),
               age = list(r = list("age"), w = c(age = 1))),
          reduced = list(block = ~ age + treatment, age = ~ block + treatment))

# Two factors with interaction, outliers in cells of three.
s <- expand.grid(rep = 1:3, drug = factor(c("none", "x", "y")), line = factor(c("l", "m")))
x <- model.matrix(~ line * drug, s)
reference("interaction", outliers(simulate(600, x, c(1, 1, 1, 1, 1)), 30), s, ~ line * drug,
          list(x_in_l = list(r = c("drug", "x", "none"), w = c(drug_x_vs_none = 1)),
               y_in_m = list(r = list(c("drug_y_vs_none", "linem.drugy")),
                             w = c(drug_y_vs_none = 1, linem.drugy = 1)),
               interaction_y = list(r = list("linem.drugy"), w = c(linem.drugy = 1))),
          reduced = list(`line:drug` = ~ line + drug))

# One factor of four levels, any against any, some genes silent in two of them.
s <- data.frame(group = factor(rep(c("a", "b", "c", "d"), each = 3)))
x <- model.matrix(~group, s)
counts <- simulate(500, x, c(1, 1, 1))
counts[seq(3, 500, by = 20), 4:9] <- 0L
reference("groups", counts, s, ~group,
          list(c_vs_b = list(r = c("group", "c", "b"), w = c(group_c_vs_a = 1, group_b_vs_a = -1)),
               d_vs_c = list(r = c("group", "d", "c"), w = c(group_d_vs_a = 1, group_c_vs_a = -1)),
               a_vs_d = list(r = c("group", "a", "d"), w = c(group_d_vs_a = -1))))

# The embedded study, every eighth gene.
counts <- as.matrix(read.delim("resources/demo/GSE52778_counts.tsv.gz", row.names = 1))
counts <- counts[rowSums(counts) >= 10, ]
counts <- counts[seq(1, nrow(counts), by = 8), ]
s <- read.delim("config/demo/samples.tsv", stringsAsFactors = TRUE)
s$dex <- relevel(s$dex, "untreated")
reference("airway", counts, s, ~ cell + dex,
          list(dexamethasone = list(r = c("dex", "dexamethasone", "untreated"),
                                    w = c(dex_dexamethasone_vs_untreated = 1)),
               cells = list(r = c("cell", "N61311", "N080611"),
                            w = c(cell_N61311_vs_N052611 = 1, cell_N080611_vs_N052611 = -1))),
          reduced = list(cell = ~dex, dex = ~cell))

# Additive, cells of 8, 8, 8 and 4: outliers of the first three are replaced, those of the last
# keep their genes' p-values from being given (by the distances of the first fit).
set.seed(8884)
s <- data.frame(a = factor(rep(c("x", "y", "x", "y"), c(8, 8, 8, 4))),
                b = factor(rep(c("u", "u", "v", "v"), c(8, 8, 8, 4))))
x <- model.matrix(~ a + b, s)
counts <- outliers(simulate(500, x, c(1, 1)), 15)
for (i in seq(20, 500, by = 45)) counts[i, 25 + i %% 4] <- as.integer(counts[i, 25] * 60 + 4000)
reference("cells_8884", counts, s, ~ a + b,
          list(a = list(r = c("a", "y", "x"), w = c(a_y_vs_x = 1)),
               b = list(r = c("b", "v", "u"), w = c(b_v_vs_u = 1))))

# A slope beside a factor.
set.seed(77)
s <- data.frame(dose = round(runif(14, 0, 3), 1), sex = factor(rep(c("f", "m"), 7)))
x <- model.matrix(~ sex + dose, s)
reference("slope", simulate(400, x, c(0.5, 0.8)), s, ~ sex + dose,
          list(dose = list(r = list("dose"), w = c(dose = 1))),
          reduced = list(sex = ~ dose, dose = ~ sex))

# Nested: subjects within groups, each with and without treatment.
set.seed(34)
s <- expand.grid(treatment = factor(c("no", "yes")), subject = factor(1:3), rep = 1:2,
                 group = factor(c("g", "h")))
x <- model.matrix(~ group + group:subject + group:treatment, s)
reference("nested", simulate(400, x, rep(0.7, ncol(x) - 1)), s,
          ~ group + group:subject + group:treatment,
          list(in_g = list(r = list("groupg.treatmentyes"), w = c(groupg.treatmentyes = 1)),
               difference = list(r = list("grouph.treatmentyes", "groupg.treatmentyes"),
                                 w = c(grouph.treatmentyes = 1, groupg.treatmentyes = -1))))

# Twenty-five pairs.
set.seed(2525)
s <- data.frame(pair = factor(sprintf("p%02d", rep(1:25, each = 2))),
                treatment = factor(rep(c("no", "yes"), 25)))
x <- model.matrix(~ pair + treatment, s)
reference("pairs", outliers(simulate(250, x, c(rep(0.5, 24), 1)), 40), s, ~ pair + treatment,
          list(treatment = list(r = c("treatment", "yes", "no"), w = c(treatment_yes_vs_no = 1))))

# Zero-inflated: every gene has a zero somewhere.
set.seed(10)
s <- data.frame(condition = factor(rep(c("a", "b"), each = 6)))
x <- model.matrix(~condition, s)
counts <- simulate(400, x, 1)
counts[rbinom(length(counts), 1, 0.25) == 1] <- 0L
for (i in seq_len(nrow(counts))) counts[i, 1 + i %% 12] <- 0L
reference("zero_inflated", counts, s, ~condition,
          list(b_vs_a = list(r = c("condition", "b", "a"), w = c(condition_b_vs_a = 1))),
          size_factors = "poscounts")

# Without intercept.
set.seed(2)
s <- data.frame(batch = factor(rep(c("p", "q", "r"), each = 4)),
                grp = factor(rep(c("no", "yes"), 6)))
x <- model.matrix(~ batch + grp, s)
reference("no_intercept", simulate(400, x, c(0.3, 0.3, 1)), s, ~ 0 + batch + grp,
          list(grp = list(r = c(0, 0, 0, 1), w = c(grpyes = 1)),
               q_vs_p = list(r = c(-1, 1, 0, 0), w = c(batchp = -1, batchq = 1))),
          reduced = list(batch = ~ 0 + grp, grp = ~ 0 + batch))

# Average transcript lengths beside the counts (simulated, both): normalisation factors of each gene
# and sample, as DESeq2 makes them after tximport. Lengths differ by gene, sample and treatment.
set.seed(1521)
s <- data.frame(condition = factor(rep(c("a", "b"), each = 8)))
x <- model.matrix(~condition, s)
counts <- outliers(simulate(500, x, 1), 25)
lengths <- matrix(2^rnorm(500, 10.5, 1), 500, 16, dimnames = dimnames(counts))
lengths <- lengths * exp(matrix(rnorm(500 * 16, 0, 0.1), 500))
lengths[, 9:16] <- lengths[, 9:16] * exp(rnorm(500, 0, 0.4))
lengths <- signif(lengths, 10)
reference("lengths", counts, s, ~condition,
          list(b_vs_a = list(r = c("condition", "b", "a"), w = c(condition_b_vs_a = 1))),
          vst = TRUE, lengths = lengths)
