# R's engines on one data set: Rscript benchmarks/reference.R FOLDER
# FOLDER holds counts.tsv, factors.tsv, formula.txt, contrasts.tsv; times go to times.tsv there,
# DESeq2's tables to DESeq2_{contrast}.tsv.
folder <- commandArgs(TRUE)[1]
at <- function(file) file.path(folder, file)
suppressMessages({library(DESeq2); library(edgeR); library(limma)})
counts <- as.matrix(read.delim(at("counts.tsv"), row.names = 1, check.names = FALSE))
factors <- read.delim(at("factors.tsv"), row.names = 1, stringsAsFactors = TRUE)
formula <- as.formula(readLines(at("formula.txt")))
contrasts <- read.delim(at("contrasts.tsv"))
times <- list()
clock <- function(engine, what, code) {
  t <- system.time(code)[["elapsed"]]
  times[[length(times) + 1]] <<- data.frame(engine = engine, what = what, seconds = t)
}
dds <- suppressMessages(DESeqDataSetFromMatrix(counts, factors, formula))
clock("DESeq2", "fit", dds <- DESeq(dds, quiet = TRUE))
clock("DESeq2", "contrasts", for (i in seq_len(nrow(contrasts))) {
  k <- unlist(contrasts[i, c("factor", "test", "reference")])
  r <- results(dds, contrast = k, alpha = 0.05)
  out <- data.frame(gene_id = rownames(r), as.data.frame(r), dispersion = dispersions(dds))
  write.table(out, at(paste0("DESeq2_", contrasts$contrast[i], ".tsv")), sep = "\t",
              quote = FALSE, row.names = FALSE)
})
x <- model.matrix(formula, factors)
clock("edgeR-QL", "fit", {
  y <- calcNormFactors(DGEList(counts))
  y <- estimateDisp(y, x)
  fit <- glmQLFit(y, x)
  test <- glmQLFTest(fit)
})
clock("limma-voom", "fit", {
  y <- calcNormFactors(DGEList(counts))
  fit <- eBayes(lmFit(voom(y, x), x))
})
write.table(do.call(rbind, times), at("times.tsv"), sep = "\t", quote = FALSE, row.names = FALSE)
cat(R.version.string, as.character(packageVersion("DESeq2")), "\n")
