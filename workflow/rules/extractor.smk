# The network whose features images are compared in, the features of real images, and their own scores.
rule extractor:
    input:
        data=rules.prepare.output.data,
        records=rules.prepare.output.record,
    output:
        network=result("extractors/{dataset}/{extractor}/network.pt"),
        features=result("extractors/{dataset}/{extractor}/features.npz"),
        card=result("extractors/{dataset}/{extractor}/card.json"),
        floor=result("extractors/{dataset}/{extractor}/floor.csv"),
        record=result("extractors/{dataset}/{extractor}/extractor.record.json"),
    log:
        result("logs/extractor/{dataset}_{extractor}.log"),
    benchmark:
        result("benchmarks/extractor/{dataset}_{extractor}.tsv")
    priority: 1
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=grow(estimate_feature_memory),
        runtime=240,
        gpu=count_gpus,
    params:
        **get_plugin_parameters("images", EXTRACTORS.values()),
        **get_weights_parameters(),
        code=digest_code("extractor.py"),
        samples=get_sample_count,
        device=STUDY["training"]["device"],
        stacked=is_stacked,
    script:
        "../scripts/extractor.py"


# The scores of points drawn from the true density, which need no network.
rule density_floor:
    output:
        floor=result("extractors/{dataset}/density/floor.csv"),
        record=result("extractors/{dataset}/density/density_floor.record.json"),
    log:
        result("logs/extractor/{dataset}_density.log"),
    benchmark:
        result("benchmarks/extractor/{dataset}_density.tsv")
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        **get_plugin_parameters("points"),
        code=digest_code("density_floor.py"),
        kind=get_kind,
    script:
        "../scripts/density_floor.py"
