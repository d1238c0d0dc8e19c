# Trains one run: a variant on a dataset with a seed.
rule train:
    input:
        **get_stopping_inputs(),
        data=rules.prepare.output.data,
        records=rules.prepare.output.record,
        labels=list_label_checks,
        references=list_reference_checks(),
    output:
        snapshots=result("runs/{dataset}/{variant}/seed{seed}/snapshots.pt"),
        history=result("runs/{dataset}/{variant}/seed{seed}/history.csv"),
        samples=result("runs/{dataset}/{variant}/seed{seed}/samples.png"),
        run=result("runs/{dataset}/{variant}/seed{seed}/run.json"),
        record=result("runs/{dataset}/{variant}/seed{seed}/train.record.json"),
    log:
        result("logs/train/{dataset}_{variant}_seed{seed}.log"),
    benchmark:
        result("benchmarks/train/{dataset}_{variant}_seed{seed}.tsv")
    priority: share(rank_run)
    conda:
        "../../envs/train.yaml"
    threads: share(get_run_threads)
    resources:
        mem_mb=grow(share(estimate_training_memory)),
        runtime=240,
        gpu=share(count_gpus),
    params:
        **get_stopping_parameters(),
        code=digest_code("train.py"),
        parameters=get_run_parameters,
        checkpoints=place("checkpoints/{dataset}_{variant}_seed{seed}"),
    script:
        "../scripts/train.py"
