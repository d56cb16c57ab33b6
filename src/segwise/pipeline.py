"""The table of contents: every stage in the order the data travels, and every effect. One row per verb.

A stage is a function of (data, code, parameters) and lives in dvc.yaml; an effect changes the world and is run by a
flow or a person. Each row's module is `segwise.stages.<name>`; `tests/test_pipeline_agrees.py` holds this table,
dvc.yaml, params.yaml and the import graph to one another.
"""

from __future__ import annotations

from dataclasses import dataclass

from segwise.spec import APPROACHES, CANDIDATES

NETWORKS = ("dense", "instance")


@dataclass(frozen=True, slots=True)
class Row:
    """One verb. `over` is the matrix it runs over (an argument of the command), empty where it runs once."""

    name: str
    does: str
    over: tuple[str, ...] = ()


STAGES: tuple[Row, ...] = (
    Row("validate", "check images and labels against the contract"),
    Row("profile", "read the data: sizes, densities, groups"),
    Row("advise", "say which approach could meet each decision, from labels alone"),
    Row("split", "divide the images into train, val and test, by group"),
    Row("train", "train a network (dense serves semantic and hybrid)", NETWORKS),
    Row("convert", "turn an approach's network into ONNX", APPROACHES),
    Row("calibrate", "fit an approach's operating point on the validation split", APPROACHES),
    Row("compose", "join the cheap and the instance model into a cascade, its trigger fitted on the validation split"),
    Row("evaluate", "measure an approach on the test split", CANDIDATES),
    Row("benchmark", "time every approach, interleaved, through the Predictor"),
    Row("compare", "hold every candidate against the decisions, on the same test images"),
    Row("gate", "hold every approach against the thresholds, name the cheapest that passes"),
    Row("package", "build the winner's Bento, byte-reproducible"),
)

EFFECTS: tuple[Row, ...] = (
    Row("import", "bring what an annotation tool wrote into data/"),
    Row("export", "write the labels and images for another tool"),
    Row("labels", "compare data revisions; accept findings with a reason"),
    Row("plan", "show the plan that the profile makes, or write it into params.yaml"),
    Row("curve", "measure what the next labels are worth, by training on fewer of them"),
    Row("score", "measure another program's predictions on the same test images, beside the candidates"),
    Row("suspects", "rank the labels that the model doubts, worst first"),
    Row("integrity", "re-hash the working data against data.dvc"),
    Row("promote", "hold the packaged Bento against the champion; make it the champion if it is as good"),
    Row("rollback", "make the previous champion the champion again"),
    Row("sign", "sign a promoted package with an own key, so that others can tell whose it is"),
    Row("approve", "say that a package may be promoted, by name"),
    Row("criteria", "show what the models are held to and since when, or change it on purpose"),
    Row("history", "list the registry's events"),
    Row("audit", "verify the registry and the promoted archives, or export the events"),
    Row("doctor", "find and repair what crashes and broken disks leave behind"),
    Row("report", "write one self-contained HTML page of the run"),
    Row("verify-repro", "run a past run again in a clean checkout, and say whether it comes out the same"),
    Row("dossier", "put the evidence of a run into one folder with one page"),
    Row("predict", "segment images with the champion or a model folder"),
    Row("serve", "serve the champion over HTTP"),
)
