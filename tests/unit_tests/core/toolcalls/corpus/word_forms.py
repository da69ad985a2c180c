"""Words: ReAct and lines that name a call."""

from __future__ import annotations

from unit_tests.core.toolcalls.corpus.cases import CATS, NOW, PARIS, SUM, Dialect

react = Dialect("ReAct")
react.reads('Action: get_weather\nAction Input: {"city": "Paris"}', PARIS)
react.reads(
    'Thought: I need it.\nAction: get_weather\nAction Input: {"city": "Paris"}', PARIS, text="Thought: I need it."
)
react.reads(
    'Action: get_weather\nAction Input: {"city": "Paris"}\nObservation: 22 °C\nThought: Done.\nFinal Answer: 22', PARIS
)
react.reads("Action: search\nAction Input: cats", CATS)
react.reads('Action: search\nAction Input: "cats"', CATS)
react.reads("Action: search\nAction Input: cats\nObservation: many", CATS)
react.reads("Action: search\nAction Input: query=cats", CATS)
react.reads("Action: get_time\nAction Input: None", NOW)
react.reads("Action: get_time\nAction Input:", NOW)
react.reads("Action: get_time\nAction Input: {}", NOW)
react.reads("Action: get_time", NOW)
react.reads("Action: `search`\nAction Input: cats", CATS)
react.reads('**Action:** search\n**Action Input:** {"query": "cats"}', CATS)
react.reads('Action 1: search\nAction Input 1: {"query": "cats"}\nObservation 1: many', CATS)
react.reads("action: search\naction_input: cats", CATS)
react.reads('Action: search\nAction Input: ```json\n{"query": "cats"}\n```', CATS)
react.reads('Action: search\nAction Input:\n```json\n{"query": "cats"}\n```\nObservation: many', CATS)
react.reads("Action: search\nAction Input: {'query': 'cats'}", CATS)
react.reads('Action: search\nAction Input: {"query": "cats"', CATS)
react.reads('Action: search\nAction Input: {"query": "cats"}\n\nAction: get_time\nAction Input: {}', CATS, NOW)
react.reads('Action:\n```json\n{"action": "search", "action_input": "cats"}\n```', CATS)
react.reads(
    'Action:\n```\n{\n  "action": "search",\n  "action_input": {"query": "cats"}\n}\n```\nObservation: many', CATS
)
react.reads('Action: {"name": "search", "arguments": {"query": "cats"}}', CATS)
react.reads('Action: search(query="cats")', CATS)
react.reads("Action: search[cats]", CATS)
react.reads(
    "Action: run_python\nAction Input: a = 1\nprint(a)\nObservation: 1", ("run_python", {"code": "a = 1\nprint(a)"})
)
react.reads("Action: fly\nAction Input: Rome", invalid="fly")
react.leaves("Action: Get the Time\nAction Input: {}")
react.reads("Action: getTime\nAction Input: {}", NOW)
react.leaves("Action: None\nAction Input: None")
react.leaves("Action: Final Answer\nAction Input: It is warm.")
react.leaves("Action: open the door")
react.leaves("Action: search")
react.leaves("Action:")
react.leaves("Action items:\n- call Ada")
react.leaves("The line Action: search\nAction Input: cats")
react.leaves("Action!\nAction Input: cats")
react.leaves('Action:\n```\n{"action": "Final Answer", "action_input": "It is warm."}\n```')
react.leaves("Observation: it rains.\nThought: so what?")

nexus = Dialect("Call lines")
nexus.reads("Call: get_weather(city='Paris')", PARIS)
nexus.reads("Call: get_weather(city='Paris')<bot_end>", PARIS)
nexus.reads("Call: add(a=1, b=2); get_time()", SUM, NOW)
nexus.leaves("Call: fly(to='Rome')")
nexus.leaves("Call: 555-1234")
nexus.leaves("Call me.")

ALL = [react, nexus]
