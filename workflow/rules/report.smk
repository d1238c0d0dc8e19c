# The whole study's tables, figures and page. Its long lists are functions, which only the process that
# plans it calls: every job on a cluster reads these rules.
rule report:
    input:
        runs=lambda wildcards: of_runs("run.json"),
        histories=lambda wildcards: of_runs("history.csv"),
        scores=lambda wildcards: of_runs("scores.csv"),
        samples=lambda wildcards: of_runs("samples.png"),
        nearest=lambda wildcards: of_runs("nearest.png", IMAGES),
        maps=lambda wildcards: of_runs("maps.npz", POINTS),
        setting_runs=lambda wildcards: of_settings("run.json"),
        setting_scores=lambda wildcards: of_settings("scores.csv"),
        theory=[result(f"theory/{objective}.json") for objective in STUDY["objectives"]],
        cards=[result(f"datasets/{dataset}/card.json") for dataset in STUDY["datasets"]],
        examples=[result(f"datasets/{dataset}/examples.png") for dataset in STUDY["datasets"]],
        extractor_cards=[result(f"extractors/{name}/{EXTRACTOR}/card.json") for name in IMAGES],
        floors=[
            result(f"extractors/{name}/{EXTRACTOR if name in IMAGES else 'density'}/floor.csv")
            for name in STUDY["datasets"]
        ],
        lock=[LOCK],
        page=page_files(),
    output:
        report=report(
            result("report.html"),
            category="Report",
            labels={"study": STUDY["study"]},
            caption="../report/captions/report.rst",
        ),
        study=result("study.json"),
        scores=result("scores.csv"),
        summary=table("summary"),
        comparisons=table("comparisons"),
        pairs=table("pairs"),
        rates=table("rates"),
        ranks=table("ranks"),
        profiles=result("profiles.csv"),
        noise=table("noise"),
        tuning=table("tuning"),
        tables=[result(f"tables/{name}.tex") for name in LATEX],
        figures=report(
            directory(result("figures")),
            patterns=["{figure}.svg"],
            category="Figures",
            labels={"figure": "{figure}"},
            caption="../report/captions/figures.rst",
        ),
    log:
        result("logs/report.log"),
    benchmark:
        result("benchmarks/report.tsv")
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("report.py"),
        study=canonical_json(studies.without_execution(STUDY)),
        published=canonical_json(find_published(STUDY)),
        benchmarks=lambda wildcards: job_benchmarks(),
    script:
        "../scripts/report.py"
