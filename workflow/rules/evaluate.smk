# Scores every snapshot of one run on images by every metric.
rule evaluate:
    input:
        snapshots=rules.train.output.snapshots,
        network=find_extractor_file("network.pt"),
        features=find_extractor_file("features.npz"),
        data=rules.prepare.output.data,
        records=[rules.train.output.record, rules.prepare.output.record],
        extractor_record=find_extractor_file("extractor.record.json"),
    output:
        scores=result("runs/{dataset}/{variant}/seed{seed}/scores.csv"),
        nearest=result("runs/{dataset}/{variant}/seed{seed}/nearest.png"),
        nearest_table=result("runs/{dataset}/{variant}/seed{seed}/nearest.csv"),
        record=result("runs/{dataset}/{variant}/seed{seed}/evaluate.record.json"),
    log:
        result("logs/evaluate/{dataset}_{variant}_seed{seed}.log"),
    benchmark:
        result("benchmarks/evaluate/{dataset}_{variant}_seed{seed}.tsv")
    wildcard_constraints:
        dataset=match_any(IMAGES),
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=grow(share(estimate_feature_memory, IMAGES)),
        runtime=240,
        gpu=share(count_gpus, IMAGES),
    params:
        **get_plugin_parameters("images"),
        code=digest_code("evaluate.py"),
        extractor=share(get_extractor, IMAGES),
        samples=share(get_sample_count, IMAGES),
        repeats=STUDY["evaluation"]["repeats"],
        batch_norm=STUDY["evaluation"]["batch_norm"],
        gap=STUDY["evaluation"]["duality_gap"],
    script:
        "../scripts/evaluate.py"


# Scores every snapshot of one run on points of a known density.
rule evaluate_density:
    input:
        snapshots=rules.train.output.snapshots,
        records=rules.train.output.record,
    output:
        scores=result("runs/{dataset}/{variant}/seed{seed}/scores.csv"),
        maps=result("runs/{dataset}/{variant}/seed{seed}/maps.npz"),
        record=result("runs/{dataset}/{variant}/seed{seed}/evaluate.record.json"),
    log:
        result("logs/evaluate/{dataset}_{variant}_seed{seed}.log"),
    benchmark:
        result("benchmarks/evaluate/{dataset}_{variant}_seed{seed}.tsv")
    wildcard_constraints:
        dataset=match_any(POINTS),
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=60,
        gpu=share(count_gpus, POINTS),
    params:
        **get_plugin_parameters("points"),
        code=digest_code("evaluate_density.py"),
        kind=share(get_kind, POINTS),
        repeats=STUDY["evaluation"]["repeats"],
        batch_norm=STUDY["evaluation"]["batch_norm"],
    script:
        "../scripts/evaluate_density.py"
