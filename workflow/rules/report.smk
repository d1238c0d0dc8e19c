# Writes the tables, figures and page of the whole study. The long lists are functions, so that only the
# process that plans the study makes them, and not every job on a cluster, which reads these rules too.
rule report:
    input:
        runs=lambda wildcards: run_files("run.json"),
        histories=lambda wildcards: run_files("history.csv"),
        scores=lambda wildcards: run_files("scores.csv"),
        samples=lambda wildcards: run_files("samples.png"),
        nearest=lambda wildcards: run_files("nearest.png", IMAGES),
        maps=lambda wildcards: run_files("maps.npz", POINTS),
        reference_runs=reference_files("runs.json"),
        reference_scores=reference_files("scores.csv"),
        reference_histories=reference_files("history.csv"),
        setting_runs=lambda wildcards: sweep_files("run.json"),
        setting_scores=lambda wildcards: sweep_files("scores.csv"),
        theory=[result(f"theory/{objective}.json") for objective in STUDY["objectives"]],
        cards=[result(f"datasets/{dataset}/card.json") for dataset in STUDY["datasets"]],
        examples=[result(f"datasets/{dataset}/examples.png") for dataset in STUDY["datasets"]],
        extractor_cards=[extractor_result(name, "card.json") for name in IMAGES],
        floors=[extractor_result(name, "floor.csv") for name in STUDY["datasets"]],
        records=lambda wildcards: record_files(),
        lock=[local(LOCK)],
        page=page_files(),
    output:
        **({"factors": report_table("factors")} if has_factors(STUDY) else {}),
        **({"winners": report_table("winners")} if STUDY["settings"] else {}),
        report=report(
            result("report.html"),
            category="Report",
            labels={"study": STUDY["study"]},
            caption="../report/captions/report.rst",
        ),
        study=result("study.json"),
        scores=result("scores.csv"),
        summary=report_table("summary"),
        comparisons=report_table("comparisons", len(STUDY["variants"]) > 1),
        pairs=report_table("pairs", len(STUDY["variants"]) > 1),
        rates=report_table("rates"),
        ranks=report_table("ranks"),
        profiles=result("profiles.csv"),
        best_steps=result("best_steps.csv"),
        noise=report_table("noise", STUDY["evaluation"]["repeats"] > 1),
        tuning=report_table("tuning", bool(STUDY["settings"])),
        tables=[result(f"tables/{name}.tex") for name in LATEX],
        markdown=result("tables/paper.md"),
        figures=report(
            directory(result("figures")),
            patterns=["{figure}.svg"],
            category="Figures",
            labels={"figure": "{figure}"},
            caption="../report/captions/figures.rst",
        ),
        record=result("report.record.json"),
    log:
        result("logs/report.log"),
    benchmark:
        result("benchmarks/report.tsv")
    conda:
        "../../envs/report.yaml"
    threads: 4  # at most; figures have the same bytes in any number of processes
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=digest_code("report.py"),
        study=canonical_json(studies.drop_execution(STUDY)),
        published=canonical_json(find_published(STUDY)),
        benchmarks=lambda wildcards: benchmark_files(),
        declared=result("declared.json"),
    script:
        "../scripts/report.py"
