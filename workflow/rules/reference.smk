# Copies the finished runs of another study into this one, after comparing data and rulers by hash.
rule reference:
    input:
        data_records=[result(f"datasets/{dataset}/prepare.record.json") for dataset in DATASETS],
        cards=[extractor_result(dataset, "card.json") for dataset in IMAGES],
        records=[extractor_result(dataset, "extractor.record.json") for dataset in IMAGES],
    output:
        runs=result("references/{reference}/runs.json"),
        scores=result("references/{reference}/scores.csv"),
        history=result("references/{reference}/history.csv"),
        record=result("references/{reference}/reference.record.json"),
    log:
        result("logs/reference/{reference}.log"),
    benchmark:
        result("benchmarks/reference/{reference}.tsv")
    wildcard_constraints:
        reference=match_any(REFERENCES),
    priority: 1
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        code=digest_code("reference.py"),
        sha256=lambda wildcards: REFERENCES[wildcards.reference]["sha256"],
        described=lambda wildcards: REFERENCES[wildcards.reference]["source"],
        datasets=lambda wildcards: list(REFERENCES[wildcards.reference]["variants"]),
        reference_file=find_reference_file,
    script:
        "../scripts/reference.py"
