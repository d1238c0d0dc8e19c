# Derives the theory of one objective from its two formulas.
rule theory:
    output:
        theory=result("theory/{objective}.json"),
        record=result("theory/{objective}.record.json"),
    log:
        result("logs/theory/{objective}.log"),
    benchmark:
        result("benchmarks/theory/{objective}.tsv")
    conda:
        "../../envs/theory.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=10,
    params:
        code=digest_code("theory.py"),
        objective=lambda wildcards: canonical_json(STUDY["objectives"][wildcards.objective]),
    script:
        "../scripts/theory.py"
