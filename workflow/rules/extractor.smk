# The network that metrics of images are measured in, real images' features, and what real images score.
rule extractor:
    input:
        data=rules.prepare.output.data,
    output:
        network=result("extractors/{dataset}/{extractor}/network.pt"),
        features=result("extractors/{dataset}/{extractor}/features.npz"),
        card=result("extractors/{dataset}/{extractor}/card.json"),
        floor=result("extractors/{dataset}/{extractor}/floor.csv"),
    log:
        result("logs/extractor/{dataset}_{extractor}.log"),
    benchmark:
        result("benchmarks/extractor/{dataset}_{extractor}.tsv")
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=feature_memory,
        runtime=240,
        gpu=gpus,
    params:
        code=code("extractor.py"),
        samples=sample_count,
        device=STUDY["training"]["device"],
    script:
        "../scripts/extractor.py"


# The same for points, which need no network: what points of the true density score.
rule density_floor:
    output:
        floor=result("extractors/{dataset}/density/floor.csv"),
    log:
        result("logs/extractor/{dataset}_density.log"),
    benchmark:
        result("benchmarks/extractor/{dataset}_density.tsv")
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("density_floor.py"),
        kind=dataset_kind,
    script:
        "../scripts/density_floor.py"
