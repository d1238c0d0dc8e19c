"""A study is read as it is written: from a file and from the command line alike."""

import json

import pytest
import yaml
from ganbench.study.resolve import select_execution
from ganbench.study.schema import StudyError, load_schema, validate
from ganbench.study.values import child_schema, follow_reference
from ganbench.study.written import load_study, read_study

SCHEMA = load_schema()
STUDY = "study: s\ndatasets: {digits: {}}\nvariants: {minimax: {}}\n"
NAMES = {"datasets": "digits", "variants": "minimax", "objectives": "mine", "constants": "a"}
NAMES |= {"schedule": "ema", "balance": "k", "levels": "factor"}
SIBLINGS = {
    "stop": {"metric": "duality_gap", "patience": 3},
    "sweep": {"training": {"steps": [100]}},
}
SWEPT = ("optimizer.lr", "batch_size", "channels_last", "network.kernel", "stop.metric")
SIBLINGS |= {key: {"low": 1.0, "high": 2.0} for key in (*SWEPT, "a")}


def list_leaves(schema=SCHEMA, path=()):
    """(path, schema) of every single value or list of the schema, by an example of each name."""
    schema = follow_reference(schema, SCHEMA)
    for option in schema.get("oneOf", ()):
        yield from list_leaves(option, path)
    if "oneOf" in schema:
        return
    if schema.get("type") != "object":
        yield path, schema
        return
    keys = list(schema.get("properties", {}))
    if "x-lists-of" in schema:
        keys = SWEPT
    elif isinstance(schema.get("additionalProperties"), dict):
        keys = [NAMES[path[-1]]]
    for key in keys:
        if {key, *path} >= {"discriminator", "generator"} or key in path[-1:]:
            continue  # the players' options have the schema of both players' together
        yield from list_leaves(child_schema(schema, key, SCHEMA), (*path, key))


def list_values(schema):
    """Values that a leaf of the schema may have, as Python has them."""
    if "enum" in schema:
        return schema["enum"]
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    if "maximum" in schema or "exclusiveMaximum" in schema:
        numbers = [(low + schema.get("maximum", schema.get("exclusiveMaximum"))) / 2]
    else:
        numbers = [low + 1000, low + 0.0625]
    values = {
        "null": [None],
        "boolean": [True, False],
        "integer": [int(number) or 1 for number in numbers[:1]],
        "number": [float(number) for number in numbers],
        "string": ["text"],
        "array": [list_items(schema)],
    }
    return [value for name in types for value in values[name]]


def list_items(schema):
    values = list_values(schema["items"]) if schema.get("items") else ["text"]
    return (values * 2)[: max(schema.get("minItems", 1), 2 if schema.get("maxItems") else 1)]


CASES = [
    (path, value)
    for path, schema in list_leaves()
    if path[0] not in ("study", "baseline", "reference")  # names of what must exist
    for value in list_values(schema)
]


def with_study(path, value):
    """The shortest study with one key more, and the keys that its groups need."""
    for group, key in reversed(list(zip((None, *path), path, strict=False))):
        value = SIBLINGS.get(group, {}) | {key: value}
    return yaml.safe_load(STUDY) | value


def pick(study, path):
    for key in path:
        study = study[key]
    return study


def read(text, folder, *arguments):
    """The keys of a study in a file and on the command line, read by the schema."""
    file = folder / "s.yaml"
    file.write_text(text, encoding="utf-8")
    return validate(read_study([file], arguments).keys, SCHEMA, "s.yaml")


def resolve(text, folder, *arguments):
    file = folder / "s.yaml"
    file.write_text(text, encoding="utf-8")
    return load_study([file], arguments, {})


def refuse(text, folder, *arguments):
    with pytest.raises(StudyError) as error:
        resolve(text, folder, *arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def name_case(case):
    return ".".join(case) if isinstance(case, tuple) else repr(case)


def test_every_key_of_the_schema_has_a_case():
    groups = [SCHEMA, *SCHEMA["$defs"].values()]
    keys = {key for group in groups for key in group.get("properties", ())}
    # all but the last name what must exist, and the last has no keys
    assert keys - {key for path, _ in CASES for key in path} == {
        "study", "baseline", "reference", "url", "spectral_norm",
    }  # fmt: skip
    kinds = {type(value) for _, value in CASES}
    assert kinds == {type(None), bool, int, float, str, list}
    assert (("evaluation", "samples"), None) in CASES
    assert (("training", "network", "kernel"), 5) in CASES


def test_every_key_reads_the_same_from_file_command_line_and_snakemake(tmp_path):
    for path, value in CASES:
        study = with_study(path, value)
        text = json.dumps(study[path[0]])
        argument = f"{path[0]}={text}"
        without_types = yaml.load(text, yaml.BaseLoader)  # as Snakemake reads --config
        as_text = study | {path[0]: without_types}
        for keys in (
            validate(study, SCHEMA, "s"),
            read(yaml.safe_dump(study), tmp_path),
            read(STUDY, tmp_path, argument),
            validate(as_text, SCHEMA, "s"),
        ):
            read_value = pick(keys, path)
            assert (read_value, type(read_value)) == (value, type(value)), (path, keys)


def spell(number):
    """The same number as people also write it."""
    spellings = [repr(number), f'"{number!r}"', f"{number:+}", f"{number:.6e}", f"{number:.6E}"]
    return spellings + ([f"{number}.0", f"{number}."] if isinstance(number, int) else [])


def test_every_number_is_the_same_however_it_is_spelled(tmp_path):
    for path, value in CASES:
        if type(value) not in (int, float) or float(f"{value:.6e}") != value:
            continue
        study = with_study(path, "THE NUMBER")
        text = yaml.safe_dump(study)
        for spelling in spell(value):
            read_value = pick(read(text.replace("THE NUMBER", spelling), tmp_path), path)
            assert (read_value, type(read_value)) == (value, type(value)), (path, spelling)


def test_jobs_get_numbers_however_they_are_spelled(tmp_path):
    text = 'gpu_slots: 2e0\ncheckpoint_interval: 1e1\nlog_interval: "5"\n'
    execution = select_execution(resolve(STUDY + text, tmp_path))
    values = [execution[key] for key in ("gpu_slots", "checkpoint_interval", "log_interval")]
    assert list(map(repr, values)) == ["2", "10", "5.0"]


def test_whole_number_that_no_float_holds_stays_exact(tmp_path):
    study = resolve(STUDY + "training: {steps: 9007199254740993}\n", tmp_path)
    assert study["training"]["steps"] == 9007199254740993


@pytest.mark.parametrize(
    ("group", "key", "spelling"),
    [
        ("", "seeds", "010"),
        ("", "seeds", "1_0"),
        ("", "seeds", "0x10"),
        ("", "log_interval", "1_0.5"),
        ("training", "steps", "1:30:00"),
        ("training", "ema", "00.1"),
        ("evaluation", "samples", "0o17"),
        ("evaluation", "repeats", "0b11"),
    ],
)
def test_number_that_yaml_reads_otherwise_is_refused_as_it_is_written(
    tmp_path, group, key, spelling
):
    text = f"{group}: {{{key}: {spelling}}}" if group else f"{key}: {spelling}"
    message = refuse(STUDY + text, tmp_path)
    assert f"{group}.{key}: found '{spelling}', expected a".lstrip(".") in message
    assert "write the number in decimal digits" in message
    assert "(line 4 of " in message


def test_such_a_number_on_the_command_line_is_refused_too(tmp_path):
    message = refuse(STUDY, tmp_path, "seeds=1_0")
    assert "seeds: found '1_0', expected a whole number" in message
    assert message.endswith("(--config seeds)")


@pytest.mark.parametrize(
    "text", ["2024", "010", "1_0", "1:30:00", "yes", "3.10", "2024-01-02", "1e3", "0x1", ".inf"]
)
def test_text_stays_as_it_is_written(tmp_path, text):
    assert resolve(f"{STUDY}title: {text}\n", tmp_path)["title"] == text
    assert resolve(STUDY, tmp_path, f"title={text}")["title"] == text


def test_names_may_be_what_yaml_takes_for_another_type(tmp_path):
    text = "study: 2024\ndatasets: {1: {kind: digits}, no: {kind: digits}}\n"
    study = resolve(
        text + "variants: {010: {objective: hinge}, null: {objective: hinge}}", tmp_path
    )
    assert study["study"] == "2024"
    assert list(study["datasets"]) == ["1", "no"]
    assert list(study["variants"]) == ["010", "null"]


@pytest.mark.parametrize("value", [2024, 3.5])
def test_number_for_a_text_is_text_where_only_snakemake_has_read_it(value):
    study = {"study": 2024, "datasets": {1: {"kind": "digits"}}, "variants": {"hinge": {}}}
    assert validate(study | {"title": value}, SCHEMA, "s")["title"] == str(value)


@pytest.mark.parametrize(
    ("text", "key", "lines"),
    [
        (f"{STUDY}seeds: 1\nseeds: 2\n", "seeds", "lines 4 and 5"),
        (f"{STUDY}training: {{}}\ntitle: a\ntraining: {{}}\n", "training", "lines 4 and 6"),
        ("variants:\n  a:\n  b:\n  a:\n", "a", "lines 2 and 4"),
        ('{"study": "s",\n\t"study": "t"}', "study", "lines 1 and 2"),
        (f"{STUDY}training: {{steps: 1, steps: 2}}", "steps", "line 4"),
        (f'{STUDY}objectives: {{1: {{}},\n "1": {{}}}}', "1", "lines 4 and 5"),
    ],
)
def test_key_that_is_written_twice_is_refused_with_its_lines(tmp_path, text, key, lines):
    message = f"s.yaml: the key {key!r} is written twice in one group, in {lines}; remove or rename"
    assert message in refuse(text, tmp_path)


def test_key_that_is_given_twice_within_an_argument_is_refused(tmp_path):
    message = refuse(STUDY, tmp_path, "training={steps: 1, steps: 2}")
    assert "--config training: the key 'steps' is written twice in one group, in line 1" in message


def test_anchors_and_merged_groups_are_no_repetition(tmp_path):
    text = "study: s\ndatasets: {digits: {}}\nvariants:\n  minimax: {training: &t {steps: 10}}\n"
    text += "  hinge: {training: {<<: *t, steps: 20}}\n  least_squares: {training: *t}\n"
    runs = resolve(text, tmp_path)["runs"]["digits"]
    assert [run["steps"] for run in runs.values()] == [10, 20, 10]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"study: s\ntitle: caf\xe9\n",
            "line 2 is not UTF-8: found the byte 0xe9; save the file as",
        ),
        (
            "study: s\n".encode("utf-16"),
            "line 1 is not UTF-8: found the byte 0xff; save the file as",
        ),
        (b"study: [s\nseeds: {", "not valid YAML"),
        (b"study: s\nseeds:\t3\n", "line 2 is not valid YAML"),
        (b"study: a\x00b\n", "not valid YAML"),
        (b"", "found no keys, expected the keys of a study"),
        (b"- study\n", "found no keys, expected the keys of a study"),
    ],
)
def test_file_that_holds_no_study_is_refused_with_one_message(tmp_path, content, message):
    file = tmp_path / "s.yaml"
    file.write_bytes(content)
    with pytest.raises(StudyError) as error:
        load_study([file], (), {})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_file_that_is_missing_or_a_folder_is_named(tmp_path):
    for file, reason in ((tmp_path / "no.yaml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(StudyError, match=f"the file cannot be read: {reason}"):
            load_study([file], (), {})


def test_later_files_and_arguments_override_earlier_ones(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.json"
    first.write_text(f"{STUDY}seeds: 2\ntraining: {{steps: 10, batch_size: 20}}\n")
    second.write_text('{"training": {"steps": 3e1}, "title": "\\ud83d\\ude00"}')
    study = load_study([first, second], ["training={batch_size: 40}", "seeds=[7, 9]"], {})
    assert (study["training"]["steps"], study["training"]["batch_size"]) == (30, 40)
    assert (study["seeds"], study["title"]) == ([7, 9], "😀")


def test_file_made_by_a_template_engine_counts_as_snakemake_read_it(tmp_path):
    generated = yaml.safe_load(STUDY) | {"seeds": 4}
    (tmp_path / "s.yaml").write_text(f"__use_yte__: true\n{STUDY}seeds: ?2 * 2\n")
    assert load_study([tmp_path / "s.yaml"], (), generated)["seeds"] == [0, 1, 2, 3]


def test_message_says_in_which_file_and_line_a_key_is(tmp_path):
    message = refuse(f"{STUDY}training:\n  optimizer:\n    lr: fast\n", tmp_path)
    assert "training.optimizer.lr: found 'fast', expected a number (line 6 of" in message
    message = refuse(f"{STUDY}training: {{steps: 3, snapshots: 9}}\n", tmp_path)
    assert "(line 4 of" in message
    text = f"{STUDY}sweep: {{training: {{steps: [1],\n optimizer.lr: {{low: 1, high: x}}}}}}\n"
    assert "(line 5 of" in refuse(text, tmp_path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{STUDY}varients: {{}}\n", 4),
        (f"{STUDY}training:\n  batch_size: 4\n  stepps: 3\n", 6),
    ],
)
def test_unknown_key_is_named_with_its_own_line(tmp_path, text, line):
    assert f"(line {line} of " in refuse(text, tmp_path)


def test_values_that_a_sweep_tries_are_read_by_the_types_of_their_keys(tmp_path):
    values = (
        "optimizer.lr: [1e-3, 2], channels_last: [no, true], network: [{kernel: 5e0}], stop: [~]"
    )
    study = resolve(STUDY, tmp_path, f"sweep={{training: {{{values}}}}}")
    assert study["sweep"]["training"] == {
        "optimizer.lr": [0.001, 2.0],
        "channels_last": [False, True],
        "network": [{"kernel": 5}],
        "stop": [None],
    }
    assert len(study["settings"]) == 4
