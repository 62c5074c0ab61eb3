"""The drawings of the conversations: every step and exit is there, and no text can break them."""

import re

import pytest

from flows.conversations import FLOWS
from flows.diagram import mermaid, overview
from flows.effects import FindFairs, StopNotices
from flows.steps import END, HOME, Branch, Call, Choice, Choose, Do, Flow, Hold, Lookup, Say, exits
from flows.text import Tongue, _

NODE = re.compile(r'  (\w+)(?:\(\["[^"]*"\]\)|\["[^"]*"\]|\("[^"]*"\)|\[/"[^"]*"/\]|\[\["[^"]*"\]\]|\{"[^"]*"\})')
EDGE = re.compile(r'  (\w+)(?:\(\["[^"]*"\]\))? -->(?:\|"[^"]*"\|)? (\w+)')


@pytest.mark.parametrize("flow", FLOWS.values(), ids=list(FLOWS))
def test_every_line_is_a_node_or_an_edge_between_nodes(flow: Flow) -> None:
    first, *lines = mermaid(flow).splitlines()
    assert first == "flowchart TD"
    nodes = {found.group(1) for line in lines if (found := NODE.match(line))}
    edges = {(found.group(1), found.group(2)) for line in lines if (found := EDGE.fullmatch(line))}
    assert all(NODE.fullmatch(line) or EDGE.fullmatch(line) for line in lines)
    wanted = {(f"{name}_", f"{target}_") for name, step in flow.steps.items() for target in exits(step).values()}
    assert edges == wanted | {("begin", f"{flow.start}_")}
    assert {end for edge in edges for end in edge} <= nodes


def test_each_kind_of_step_has_its_own_shape() -> None:
    flow = Flow(
        "trial",
        "say",
        {
            "say": Say(_("Hola"), then="look"),
            "look": Lookup(FindFairs, save="fairs", some="decide", none="do"),
            "decide": Branch(lambda answers: "yes", {"yes": "ask", "no": "do"}),
            "ask": Choose(_("¿Sí?"), {"a": Choice(_("Una"), "call"), "b": Choice(_("Otra"), "call")}),
            "do": Do(StopNotices, then="hold"),
            "call": Call("person", HOME),
            "hold": Hold(),
            "bye": Say(_("Adiós"), then=END),
        },
        title=_("Prueba"),
    )
    drawn = mermaid(flow).splitlines()
    for line in (
        '  begin(["Prueba"]) --> say_', '  say_["Hola"]', '  look_[/"? FindFairs"/]', '  decide_{"decide"}',
        '  ask_("¿Sí?")', '  do_[/"! StopNotices"/]', '  call_[["person"]]', '  hold_("…")', '  end_(["↩"])',
        '  home_(["⌂"])', '  look_ -->|"none"| do_', '  ask_ -->|"Una / Otra"| call_', "  do_ --> hold_",
    ):  # fmt: skip
        assert line in drawn


def test_no_text_can_break_the_drawing() -> None:
    wild = 'a "b" `c` <d> #e| f\n]] end ' + "x" * 200
    flow = Flow("trial", "say", {"say": Say(_(wild), then=END)}, title=_(wild))
    drawn = mermaid(flow)
    assert all(NODE.fullmatch(line) or EDGE.fullmatch(line) for line in drawn.splitlines()[1:])
    assert max(map(len, drawn.splitlines())) < 200 + len(wild) * 6
    assert "x" * 61 not in drawn.splitlines()[2]


def test_the_texts_are_in_the_language_asked_for() -> None:
    shouting = Tongue("xx", str.upper)
    assert "HOLA, CON GUSTO LE ATIENDO." in mermaid(FLOWS["hello"], shouting)


def test_the_overview_shows_who_calls_whom() -> None:
    drawn = overview(FLOWS).splitlines()
    assert "  menu_ --> work_" in drawn and "  danger_ --> minors_" in drawn
    assert not any(line.startswith("  hello_ -->") for line in drawn)
    assert sum(" --> " in line for line in drawn) == sum(
        len({step.flow for step in flow.steps.values() if isinstance(step, Call)}) for flow in FLOWS.values()
    )
