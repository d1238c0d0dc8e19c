"""Each dataset of a study has its own extractor, and jobs and files are named after it."""

from project import copy_checkout, planned, tiny_study


def test_datasets_of_one_study_have_extractors_of_their_own(tmp_path):
    few = {"kind": "digits", "extractor_images": 300}
    datasets = {"digits": {}, "few": few, "stacked_digits": {}, "stacked_mnist": {}}
    study = tiny_study(
        seeds=1,
        datasets=datasets | {"gaussian_ring": {"training": {"network": {"name": "mlp"}}}},
        evaluation={"samples": 200},
    )
    jobs = planned(copy_checkout(tmp_path / "checkout"), study=study)
    extractors = {job for job in jobs if job.startswith(("extractor", "density_floor"))}
    # the helper reads a wildcard up to the hyphen of digits-v1
    assert extractors == {
        "extractor/digits/digits",
        "extractor/few/classifier",
        "extractor/stacked_digits/digits",
        "extractor/stacked_mnist/classifier",
        "density_floor/gaussian_ring",
    }
    assert {job for job in jobs if job.startswith("evaluate/")} == {
        f"evaluate/{name}/{variant}/0" for name in datasets for variant in study["variants"]
    }
