# ganbench: which GAN training objective is better, and how sure can one be?
# A study (config/*.yaml) goes in, results/{study}/report.html comes out. See README.md.
include: "workflow/Snakefile"


# An include never sets what is made by default.
workflow.default_target = "all"
