"""Works out what the sub-folders of a folder of images are: classes, splits, or only a wrapper."""

from ganbench.datasets.file_names import count_files
from ganbench.datasets.folder_splits import arrange_splits, find_part
from ganbench.datasets.image_tree import Arrangement, ImageTree
from ganbench.datasets.sources import DatasetError

ANNOTATIONS = {
    "mask",
    "masks",
    "annotation",
    "annotations",
    "ground_truth",
    "groundtruth",
    "gt",
    "segmentation",
    "segmentations",
    "labels",
    "bboxes",
    "heatmaps",
}
"""Usual names of folders whose images say something about other images, in lower case."""


def arrange(tree: ImageTree, layout: str, labels: str) -> Arrangement:
    """Assigns images to official parts and classes, as the study's `layout` and `labels` say.

    Raises DatasetError if `layout` is `auto` and the sub-folders are probably no classes, and if
    the folder is not laid out as asked.
    """
    prefix = "" if layout == "classes" else tree.find_wrapper()
    notes = [f"Took {prefix} for the folder itself, which holds nothing else."] if prefix else []
    if layout == "splits":
        return arrange_splits(tree, prefix, labels, notes)
    children = tree.list_children(prefix)
    if layout == "auto":
        _refuse_annotations(tree, prefix, children)
        if labels == "folders":
            _refuse_splits(tree, children)
    if labels == "none":
        if children:
            notes.append(f"Pooled the images of {count_files(children, 'sub-folder')}.")
        return Arrangement({"all": tree.images}, notes=notes)
    return _arrange_classes(tree, prefix, children, notes)


def _refuse_splits(tree: ImageTree, children: list[str]) -> None:
    """A class may be called `train`; two names of splits, or nothing but splits, are no classes."""
    parts = {name: part for name in children if (part := find_part(name))}
    if len({part.name for part in parts.values()}) < 2 and (
        not parts or len(parts) < len(children)
    ):
        return
    raise DatasetError(
        f"source: {tree.source} has {count_files(parts, 'sub-folder')} named like the splits of a "
        "dataset, not like classes. Say which they are: `layout: splits` trains on train and keeps "
        "test as held_out (trainA and trainB hold the classes A and B), `layout: classes` takes "
        "every sub-folder as a class, `labels: none` pools all images without classes; or name "
        "one of them as `source`"
    )


def _refuse_annotations(tree: ImageTree, prefix: str, children: list[str]) -> None:
    folders = {name.removeprefix(prefix).split("/")[0] for name in tree.images}
    names = [name for name in children if name.lower() in ANNOTATIONS and name in folders]
    if names:
        raise DatasetError(
            f"source: {tree.source} has {count_files(names, 'sub-folder')} named like annotations "
            "of other images, not like a class. Move them elsewhere, name the folder of the images "
            "as `source`, or take every sub-folder as a class with `layout: classes`"
        )


def _arrange_classes(
    tree: ImageTree, prefix: str, classes: list[str], notes: list[str]
) -> Arrangement:
    if not classes:
        return Arrangement({"all": tree.images}, notes=notes)
    if outside := tree.list_outside(prefix):
        raise DatasetError(
            f"source: {tree.source} has sub-folders and, beside them, "
            f"{count_files(outside, 'image')}. Sub-folders are classes: move every image into one, "
            "remove the sub-folders, or use all images without classes by `labels: none`"
        )
    folders = {name: name.removeprefix(prefix).split("/")[0] for name in tree.images}
    _refuse_empty(tree, prefix, sorted(set(classes) - set(folders.values())))
    numbers = {name: number for number, name in enumerate(classes)}
    labels = {name: numbers[folder] for name, folder in folders.items()}
    depth = prefix.count("/") + 1
    notes = notes + tree.note_nested(depth)
    return Arrangement({"all": tree.images}, classes, labels, depth, notes)


def _refuse_empty(tree: ImageTree, prefix: str, empty: list[str]) -> None:
    if not empty:
        return
    unread = [name for name in tree.unread if name.removeprefix(prefix).split("/")[0] in empty]
    files = f", but with {count_files(unread, 'file')} that cannot be read" if unread else ""
    remedy = "convert these files to PNG, or " if unread else ""
    raise DatasetError(
        f"source: {tree.source} has {count_files(empty, 'sub-folder')} without an image{files}. "
        f"Sub-folders are classes: {remedy}fill or remove them"
    )
