# One dataset, split into train, held_out and extractor.
rule prepare:
    output:
        data=result("datasets/{dataset}/data.npz"),
        card=result("datasets/{dataset}/card.json"),
    log:
        result("logs/prepare/{dataset}.log"),
    benchmark:
        result("benchmarks/prepare/{dataset}.tsv")
    conda:
        "../../envs/prepare.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("prepare.py"),
        kind=lambda wildcards: STUDY["datasets"][wildcards.dataset]["kind"],
    script:
        "../scripts/prepare.py"
