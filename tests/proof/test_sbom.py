"""The bill of materials: CycloneDX 1.5, complete, the same bytes for the same installation."""

from __future__ import annotations

import re
from importlib.metadata import version

from segwise.proof import sbom
from segwise.proof.installed import Part, parts

FOUND = {
    "tool": Part(
        "Tool", "1.0", expression="Apache-2.0", requires=("Base_Lib>=2", "absent>1", 'extra-lib; extra == "x"')
    ),
    "base-lib": Part("base.lib", "2.1", classifiers=("License :: OSI Approved :: MIT License",), licence="see LICENSE"),
    "extra-lib": Part("extra-lib", "3", licence="BSD 3-Clause\n\nCopyright …"),
    "silent": Part("silent", "4"),
}


def test_each_component_has_name_version_address_and_licence() -> None:
    bill = sbom.cyclonedx(FOUND, "tool", "3.11.7", shipped=("Base_Lib",))
    rows = {c["name"]: (c["version"], c["purl"], c.get("licenses")) for c in bill["components"]}
    assert rows == {
        "base.lib": ("2.1", "pkg:pypi/base-lib@2.1", [{"license": {"name": "MIT License"}}]),
        "extra-lib": ("3", "pkg:pypi/extra-lib@3", [{"license": {"name": "BSD 3-Clause"}}]),
        "silent": ("4", "pkg:pypi/silent@4", None),
    }
    about = bill["metadata"]["component"]
    assert (about["type"], about["licenses"]) == ("application", [{"expression": "Apache-2.0"}])
    assert [c["name"] for c in bill["components"] if "properties" in c] == ["base.lib"]


def test_what_each_needs_is_told_without_extras_and_without_what_is_not_installed() -> None:
    needs = {row["ref"]: row["dependsOn"] for row in sbom.cyclonedx(FOUND, "tool", "3.11.7")["dependencies"]}
    assert needs["pkg:pypi/tool@1.0"] == ["pkg:pypi/base-lib@2.1"]
    assert needs.keys() == {"pkg:pypi/tool@1.0", "pkg:pypi/base-lib@2.1", "pkg:pypi/extra-lib@3", "pkg:pypi/silent@4"}


def test_licences_are_counted_the_commonest_first_and_silence_is_told() -> None:
    counts = sbom.licences(sbom.cyclonedx({**FOUND, "s2": Part("s2", "1")}, "tool", "3"))
    assert list(counts.items()) == [("not stated", 2), ("BSD 3-Clause", 1), ("MIT License", 1)]


def test_the_form_is_that_of_cyclonedx_1_5_and_another_installation_has_another_number() -> None:
    bill = sbom.cyclonedx(FOUND, "tool", "3.11.7")
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.5", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    assert bill == sbom.cyclonedx(FOUND, "tool", "3.11.7")
    assert bill["serialNumber"] != sbom.cyclonedx(FOUND, "tool", "3.12")["serialNumber"]
    refs = [c["bom-ref"] for c in bill["components"]]
    assert len(set(refs)) == len(refs)


def test_of_this_installation_every_part_is_in_it() -> None:
    bill = sbom.cyclonedx(parts(), "segwise", "3.11")
    versions = {c["name"].lower(): c["version"] for c in bill["components"]}
    for name in ("numpy", "torch", "onnxruntime"):
        assert versions[name] == version(name)
    assert bill["metadata"]["component"]["name"] == "segwise"
