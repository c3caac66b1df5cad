"""The rule by which a source's hours count: what a configuration may say, and what it becomes."""

import math
from pathlib import Path

import pytest

from plant.clock import parse_instant
from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from plant.park import Regulation
from plant.vocabulary import NS_PER_MIN
from rules.catalogue import load_catalogue

PARK = """\
parks:
  - name: north
    title: North Park
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: The Mill
        gateways: [{name: g1}]
        channels:
          - {name: flow, gateway: g1, kind: rate, unit: Nm3/h, quantity: stack-gas}
          - {name: puffs, gateway: g1, kind: event, unit: Nm3, quantity: stack-gas}
          - {name: co2, gateway: g1, kind: level, unit: "%", quantity: co2}
          - {name: scf, gateway: g1, kind: rate, unit: scf@68F/h, quantity: stack-gas}
          - {name: o2, gateway: g1, kind: level, unit: "%", quantity: o2}
          - {name: h2o, gateway: g1, kind: level, unit: "%", quantity: moisture}
          - {name: steam, gateway: g1, kind: rate, unit: t/h, quantity: steam}
          - {name: oil, gateway: g1, kind: rate, unit: L/h, quantity: oil}
          - {name: energy, gateway: g1, kind: register, unit: kWh, quantity: electricity}
        sources:
          - {name: stack, method: METHOD, regulation: REGULATION}
"""
STACK = "stack-co2, inputs: {flow: flow, co2: co2}"


def regulation(directory: Path, text: str, method: str = STACK) -> Regulation | None:
    (directory / "park.yaml").write_text(PARK.replace("METHOD", method).replace("REGULATION", text))
    [source] = load(directory, load_catalogue(None), {}).sources
    return source.regulation


def refused(directory: Path, text: str, method: str = STACK) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        regulation(directory, text, method)
    return [f"{p.path}: {p.message}" for p in error.value.problems]


def test_a_source_without_one_stands_under_no_regulation(tmp_path: Path) -> None:
    assert regulation(tmp_path, "null") is None


def test_the_mrr_needs_nothing_more(tmp_path: Path) -> None:
    found = regulation(tmp_path, "{rule: mrr}")
    assert found is not None
    assert (found.rule, found.substitute, found.load, found.cadence) == ("mrr", (), -1, 0)
    assert math.isnan(found.load_maximum)


def test_the_mrr_may_know_flow_cadence_and_load(tmp_path: Path) -> None:
    text = "{rule: mrr, substitute: {flow: 5e4}, cadence: 1min, load: {channel: steam, above: 2}}"
    found = regulation(tmp_path, text)
    assert found is not None
    assert (found.substitute, found.cadence, found.running_above) == ((("flow", 5e4),), NS_PER_MIN, 2.0)
    assert found.load == 8


def test_part_75_takes_a_potential_value_for_each_role(tmp_path: Path) -> None:
    text = "{rule: part-75, substitute: {flow: 2e5, co2: 16}, load: {channel: steam, maximum: 90}}"
    found = regulation(tmp_path, text)
    assert found is not None
    assert (found.substitute, found.load_maximum) == ((("co2", 16.0), ("flow", 2e5)), 90.0)


NEW_YEAR, MARCH = "2026-01-01T00:00:00+07:00", "2026-03-01T00:00:00+07:00"
POTENTIAL = "rule: part-75, substitute: {flow: 2e5, co2: 16}"


def test_stretches_out_of_control_have_an_end_or_last(tmp_path: Path) -> None:
    first = f"{{from: '{NEW_YEAR}', to: '{MARCH}', role: flow, reason: failed RATA}}"
    text = f"{{rule: mrr, out_of_control: [{first}, {{from: '{MARCH}', reason: drift}}]}}"
    found = regulation(tmp_path, text)
    assert found is not None
    one, other = found.out_of_control
    assert (one.start, one.end, one.role, one.reason) == (
        parse_instant(NEW_YEAR), parse_instant(MARCH), "flow", "failed RATA",
    )  # fmt: skip
    assert (other.start, other.role) == (parse_instant(MARCH), "")
    assert other.end > parse_instant("2200-01-01T00:00:00Z")


def test_bias_factors_are_dated(tmp_path: Path) -> None:
    dated = ", ".join(
        f"{{from: '{day}', factor: {f}, reason: RATA}}" for day, f in ((NEW_YEAR, 1.05), (MARCH, 1))
    )
    found = regulation(tmp_path, f"{{{POTENTIAL}, bias: [{dated}]}}")
    assert found is not None
    assert [(one.start, one.factor) for one in found.bias] == [
        (parse_instant(NEW_YEAR), 1.05),
        (parse_instant(MARCH), 1.0),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"rule: mrr, out_of_control: [{{from: '{MARCH}', to: '{NEW_YEAR}', reason: x}}]",
         "out_of_control[0].to: is not after from"),
        (f"rule: mrr, out_of_control: [{{from: '{MARCH}', to: '{MARCH}', reason: x}}]",
         "out_of_control[0].to: is not after from"),
        (f"rule: mrr, out_of_control: [{{from: '{MARCH}'}}]", "out_of_control[0].reason: is required"),
        ("rule: mrr, out_of_control: [{from: '2026-03-01', reason: x}]",
         "out_of_control[0].from: a time is written with its zone"),
        (f"rule: mrr, out_of_control: [{{from: '{MARCH}', role: flwo, reason: x}}]",
         "out_of_control[0].role: method stack-co2 has no role flwo (did you mean flow?)"),
        (f"rule: mrr, out_of_control: [{{form: '{MARCH}', reason: x}}]",
         "out_of_control[0].form: unknown key (did you mean from?)"),
        (f"rule: mrr, bias: [{{from: '{MARCH}', factor: 1.1, reason: x}}]", "regulation.bias: is for rule part-75"),
        (f"{POTENTIAL}, bias: [{{from: '{MARCH}', factor: 0.9, reason: x}}]", "bias[0].factor:"),
        (f"{POTENTIAL}, bias: [{{from: '{MARCH}', factor: 1.1, reason: x}}, {{from: '{MARCH}', factor: 1, reason: x}}]",
         "bias[1].from: is not after the one before it"),
    ],
)  # fmt: skip
def test_what_a_stretch_or_a_factor_lacks_is_told_with_its_place(
    tmp_path: Path, text: str, problem: str
) -> None:
    found = refused(tmp_path, f"{{{text}}}")
    assert any(problem in one for one in found), found


def test_a_mistake_is_told_with_file_and_line(tmp_path: Path) -> None:
    written = "{rule: mrr, out_of_control: [{from: '2026-03-01T00:00:00Z', role: flwo, reason: x}]}"
    with pytest.raises(ConfigurationError) as error:
        regulation(tmp_path, written)
    [one] = error.value.problems
    line = PARK.splitlines().index("          - {name: stack, method: METHOD, regulation: REGULATION}") + 1
    assert (one.file, one.line) == (str(tmp_path / "park.yaml"), line)
    assert one.path.endswith("regulation.out_of_control[0].role")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{rule: eu}", "regulation.rule: 'eu' is not 'mrr' or 'part-75'"),
        ("{rule: mrr, substitute: {co2: 12}}", "substitute.co2: mrr substitutes it by equation 4"),
        ("{rule: mrr, substitute: {flo: 12}}", "substitute.flo: method stack-co2 has no role flo (did you mean flow?)"),
        ("{rule: mrr, substitute: {flow: -1}}", "substitute.flow:"),
        ("{rule: mrr, cadence: 2h}", "regulation.cadence:"),
        ("{rule: mrr, load: {channel: steam, maximum: 9}}", "regulation.load: has a maximum, which is for rule part-75"),
        ("{rule: mrr, load: {channel: stem}}", "load.channel: there is no channel stem (did you mean steam?)"),
        ("{rule: mrr, load: {channel: energy}}", "load.channel: energy is of kind register; a load is of kind rate or level"),
        ("{rule: part-75, substitute: {flow: 1}}", "substitute: part-75 needs the maximum potential value of co2 [%]"),
        ("{rule: part-75, substitute: {co2: 1}}", "substitute: part-75 needs the maximum potential value of flow [Nm3/h]"),
        ("{rule: part-75, substitute: {co2: 101, flow: 1}}", "substitute.co2: 101 is more than 100 %"),
        ("{rule: part-75, substitute: {co2: 1, flow: 1}, cadence: 60s}", "regulation.cadence: is for rule mrr"),
    ],
)  # fmt: skip
def test_what_a_rule_does_not_have_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    found = refused(tmp_path, text)
    assert any(problem in one for one in found), found


def test_only_the_monitors_of_a_stack_have_a_rule(tmp_path: Path) -> None:
    method = "fuel-liquid-volume, inputs: {volume: oil}, factor: vn-2626-diesel, parameters: {density: 0.84}"
    [problem] = refused(tmp_path, "{rule: mrr}", method)
    assert "mrr is for methods of flow, co2, moisture; fuel-liquid-volume takes volume" in problem


GAS = "part75-stack-o2, inputs: {flow: scf, o2: o2, moisture: h2o}, parameters: {fc: 1040, fd: 8710}"
DRY = "stack-co2-dry-flow, inputs: {flow: flow, co2: co2, moisture: h2o}"


@pytest.mark.parametrize(
    ("method", "substitute", "problem"),
    [
        (GAS, "flow: 9e6, moisture: 5", "minimum potential value of o2 [%]"),
        (GAS, "flow: 9e6, o2: 2", "minimum potential value of moisture [%]"),
        (DRY, "flow: 2e5, co2: 16", "maximum potential value of moisture [%]"),
        (DRY.replace("dry", "wet"), "flow: 2e5, co2: 16", "minimum potential value of moisture [%]"),
    ],
)
def test_solid_b5_the_potential_value_is_of_the_end_that_emits_more(
    tmp_path: Path, method: str, substitute: str, problem: str
) -> None:
    found = refused(tmp_path, f"{{rule: part-75, substitute: {{{substitute}}}}}", method)
    assert any(problem in one for one in found), found


def test_solid_b5_o2_analysers_stand_under_part_75_and_not_under_the_mrr(tmp_path: Path) -> None:
    found = regulation(tmp_path, "{rule: part-75, substitute: {flow: 9e6, o2: 2, moisture: 5}}", GAS)
    assert found is not None
    assert found.low_is_worse == ("o2", "moisture")
    assert any(
        "mrr is for methods of flow, co2, moisture" in one for one in refused(tmp_path, "{rule: mrr}", GAS)
    )


def test_monitors_send_no_events(tmp_path: Path) -> None:
    [problem] = refused(tmp_path, "{rule: mrr}", "stack-co2, inputs: {flow: puffs, co2: co2}")
    assert "inputs.flow: puffs is of kind event" in problem
