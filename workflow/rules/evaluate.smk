# Every metric of every snapshot of one run, on images.
rule evaluate:
    input:
        snapshots=rules.train.output.snapshots,
        network=result(f"extractors/{{dataset}}/{EXTRACTOR}/network.pt"),
        features=result(f"extractors/{{dataset}}/{EXTRACTOR}/features.npz"),
        data=rules.prepare.output.data,
    output:
        scores=result("runs/{dataset}/{variant}/seed{seed}/scores.csv"),
        nearest=result("runs/{dataset}/{variant}/seed{seed}/nearest.png"),
    log:
        result("logs/evaluate/{dataset}_{variant}_seed{seed}.log"),
    benchmark:
        result("benchmarks/evaluate/{dataset}_{variant}_seed{seed}.tsv")
    wildcard_constraints:
        dataset=any_of(IMAGES),
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=shared(feature_memory, IMAGES),
        runtime=240,
        gpu=shared(gpus, IMAGES),
    params:
        code=code("evaluate.py"),
        extractor=EXTRACTOR,
        samples=shared(sample_count, IMAGES),
        repeats=STUDY["evaluation"]["repeats"],
        gap=STUDY["evaluation"]["duality_gap"],
    script:
        "../scripts/evaluate.py"


# The same on points whose density is known.
rule evaluate_density:
    input:
        snapshots=rules.train.output.snapshots,
    output:
        scores=result("runs/{dataset}/{variant}/seed{seed}/scores.csv"),
        maps=result("runs/{dataset}/{variant}/seed{seed}/maps.npz"),
    log:
        result("logs/evaluate/{dataset}_{variant}_seed{seed}.log"),
    benchmark:
        result("benchmarks/evaluate/{dataset}_{variant}_seed{seed}.tsv")
    wildcard_constraints:
        dataset=any_of(POINTS),
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
        gpu=shared(gpus, POINTS),
    params:
        code=code("evaluate_density.py"),
        kind=shared(dataset_kind, POINTS),
        repeats=STUDY["evaluation"]["repeats"],
    script:
        "../scripts/evaluate_density.py"
