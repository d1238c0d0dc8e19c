# One dataset, split into train, held_out and extractor.
rule prepare:
    input:
        folders=source_folders,
    output:
        data=result("datasets/{dataset}/data.npz"),
        card=result("datasets/{dataset}/card.json"),
        examples=result("datasets/{dataset}/examples.png"),
    log:
        result("logs/prepare/{dataset}.log"),
    benchmark:
        result("benchmarks/prepare/{dataset}.tsv")
    priority: 1
    conda:
        "../../envs/prepare.yaml"
    threads: lambda wildcards: 4 if of_files(wildcards) else 1
    resources:
        mem_mb=data_memory,
        runtime=60,
    params:
        code=code("prepare.py"),
        dataset=dataset_parameters,
        needs_classes=EXTRACTOR == "classifier",
    script:
        "../scripts/prepare.py"
