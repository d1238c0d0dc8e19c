# Splits one dataset into train, held_out and extractor.
rule prepare:
    output:
        data=result("datasets/{dataset}/data.npz"),
        card=result("datasets/{dataset}/card.json"),
        examples=result("datasets/{dataset}/examples.png"),
        record=result("datasets/{dataset}/prepare.record.json"),
    log:
        result("logs/prepare/{dataset}.log"),
    benchmark:
        result("benchmarks/prepare/{dataset}.tsv")
    priority: 1
    conda:
        "../../envs/prepare.yaml"
    threads: count_reading_threads
    resources:
        mem_mb=grow(estimate_data_memory),
        runtime=60,
    params:
        code=digest_code("prepare.py"),
        dataset=get_dataset_parameters,
        images=digest_images,
        needs_classes=checks_classes,
    script:
        "../scripts/prepare.py"
