"""Answers without a call, however much they look like one, and what stands around calls."""

from __future__ import annotations

from unit_tests.core.toolcalls.corpus.cases import CATS, NOW, PARIS, Dialect

JSON_PARIS = '{"name": "get_weather", "arguments": {"city": "Paris"}}'

answers = Dialect("JSON answers")
answers.leaves('{"temperature": 22, "unit": "C"}')
answers.leaves('{"name": "Ada", "age": 36}')
answers.leaves('{"id": 1, "name": "Ada"}')
answers.leaves('[{"id": 1, "name": "Ada"}, {"id": 2, "name": "Grace"}]')
answers.leaves('{"name": "Ada", "arguments": ["for", "against"]}')
answers.leaves('{"name": "fly", "arguments": {"to": "Rome"}}')
answers.leaves('```json\n{"name": "fly", "arguments": {"to": "Rome"}}\n```')
answers.leaves('```json\n{"name": "Ada", "parameters": {"height": 1.6}}\n```')
answers.leaves('```json\n{\n  "users": [\n    {"name": "Ada"}\n  ]\n}\n```\nThat is all.')
answers.leaves('{\n  "steps": [\n    {"name": "get_weather", "arguments": {"city": "Paris"}}\n  ]\n}')
answers.leaves('{\n  "calls": [\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n]}\nAnd more.')
answers.leaves('```json\n{"plan": {"name": "search", "arguments": {"query": "cats"}}}\n```')
answers.leaves('{"action": "rest", "input": "sofa"}')
answers.leaves('{"type": "object", "properties": {"name": {"type": "string"}}}')
answers.leaves('{"function": "sin", "arguments": {"x": 1}}')
answers.leaves('{"tool": "hammer", "parameters": {"weight": 2}}')
answers.leaves('{"name": "search"}')
answers.leaves('{"name": "get_weather", "temperature": 22}')
answers.leaves('{"name": "get_weather", "description": "Gives the weather.", "city": "Paris"}')
answers.leaves('{"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}')
answers.leaves(
    '```json\n[{"type": "function", "function": {"name": "get_weather", "parameters": '
    '{"type": "object", "properties": {"city": {"type": "string"}}}}}]\n```'
)
answers.leaves('```json\n[{"id": "...", "name": "...", "arguments": {...}}]\n```')
answers.leaves(
    '```json\n[{"id": "a_new_short_text", "name": "name_of_the_tool", "arguments": {"a": "its value"}}]\n```'
)
answers.leaves('```json\n[{"id": "1", "name": "Ada", "age": 36}]\n```')
answers.leaves("[1, 2, 3]")
answers.leaves('["get_weather", "search"]')
answers.leaves("[]")
answers.leaves("{}")
answers.leaves("```json\n[]\n```")
answers.leaves("```json\n\n```")
answers.leaves("```json\n{}\n```")
answers.leaves('{"a": 1}\n{"b": 2}\n')
answers.leaves("{not json at all")
answers.leaves('{"name": "get_weather"')
answers.leaves('{"name": "get_weather", "arguments": {"city": "Paris"}} ' * 0 + '{"data": "x"}')
answers.leaves('{"error": "no such city"}')
answers.leaves('```json\n{"name": "get_weather", "arguments": {"city": "Paris"}}\nis how a call looks.\n```')
answers.leaves('```json\n{"name": "search", "arguments": {"query": "cats"}}\n{"note": "an example"}\n```')

code = Dialect("code examples")
code.leaves(f"```python\ncall = {JSON_PARIS}\n```")
code.leaves(f"```python\nprint(1)\n```\n\n```python\n{JSON_PARIS}\n```")
code.leaves(f"```javascript\nconst call =\n{JSON_PARIS}\n```")
code.leaves(f"```python\n<tool_call>{JSON_PARIS}</tool_call>\n```")
code.leaves(f"```markdown\nWrite this:\n{JSON_PARIS}\n```")
code.leaves(f"~~~html\n<tool_call>\n{JSON_PARIS}\n</tool_call>\n~~~")
code.leaves(f"```bash\ncurl -d '\n{JSON_PARIS}\n' http://localhost\n```")
code.leaves(f"````markdown\n```json\n{JSON_PARIS}\n```\n````")
code.leaves(f"```python\nx = '''\n{JSON_PARIS}\n'''\n```\nDone.")
code.leaves(f"```python\n{JSON_PARIS}\n")
code.leaves('```python\nget_weather(city="Paris")\nprint("x")\n```')
code.leaves("```python\nimport os\n[search(query='cats')]\n```")
code.leaves(f"Use `{JSON_PARIS}` for it.")
code.leaves(f"Use `<tool_call>{JSON_PARIS}</tool_call>` for it.")
code.leaves(f"Use ``<tool_call>{JSON_PARIS}</tool_call>`` for it.")
code.leaves(f'Write "<tool_call>{JSON_PARIS}</tool_call>" for it.')
code.leaves(f"Write '[TOOL_CALLS] [{JSON_PARIS}]' for it.")
code.leaves(f"> <tool_call>{JSON_PARIS}</tool_call>\n\nis how Hermes calls.")
code.leaves(f"> {JSON_PARIS}")
code.leaves(f"The call is {JSON_PARIS} in JSON.")
code.leaves(f"1. {JSON_PARIS}")
code.leaves(f"- {JSON_PARIS}")
code.leaves(f"| a | b |\n|---|---|\n| {JSON_PARIS} | x |")
code.reads(f"```python\nprint(1)\n```\n{JSON_PARIS}", PARIS, text="```python\nprint(1)\n```")
code.reads(f"```\nplain\n```\n\n```json\n{JSON_PARIS}\n```", PARIS, text="```\nplain\n```")
code.reads(f"It`s here:\n{JSON_PARIS}", PARIS, text="It`s here:")

prose = Dialect("prose")
prose.leaves("")
prose.leaves(" ")
prose.leaves("\n\n")
prose.leaves("Hello, world.")
prose.leaves("It is 22 °C in Paris.\n\n- sunny\n- dry\n")
prose.leaves("See [the page](https://example.org) and [1].")
prose.leaves("[link](https://example.org)\n[1]: https://example.org")
prose.leaves("[x] done\n[ ] to do\n[!NOTE]\n")
prose.leaves("a < b and c > d; x <y and <3")
prose.leaves('<div class="a"><p>Hello</p></div>')
prose.leaves("<html>\n<body>\n<function>x</function>\n</body>\n</html>")
prose.leaves("<!-- comment -->\n<br/>")
prose.leaves("Use the function get_weather to get the weather.")
prose.leaves('I called get_weather with {"city": "Paris"}.')
prose.leaves("{curly} words and [square] ones")
prose.leaves("{{ template }}\n{% if x %}")
prose.leaves("$\\{x\\}$ and \\[ x^2 \\]")
prose.leaves("functions are first-class values")
prose.leaves("Call the function: it helps.\nAction speaks louder: yes.")
prose.leaves("tool_calls: none\nname: get_weather")
prose.leaves("~ about 5 ~~struck~~")
prose.leaves("A `tick and no other\n<b>bold</b>")
prose.leaves("user: not a turn\nHuman: neither, where no call was made")
prose.leaves("</tool_call>")
prose.leaves("<|im_end|>")
prose.leaves("<|")
prose.leaves("<")
prose.leaves("[")
prose.leaves("`")
prose.leaves("```")
prose.leaves("```json")
prose.leaves("```json\n")
prose.leaves("<tool_call>")
prose.leaves("<tool_call")
prose.leaves("Trailing blanks stay.   \n\n")

reasoning = Dialect("reasoning")
reasoning.leaves(f"<think>Maybe <tool_call>{JSON_PARIS}</tool_call>?</think>\nNo, it is warm.")
reasoning.leaves(f"<think>\n{JSON_PARIS}\n")
reasoning.reads(
    f"<think>I need it.</think>\n<tool_call>{JSON_PARIS}</tool_call>", PARIS, text="<think>I need it.</think>"
)
reasoning.reads(f"<think>I need it.</think>\n\n```json\n{JSON_PARIS}\n```", PARIS, text="<think>I need it.</think>")
reasoning.reads(f"I need it.</think>\n<tool_call>{JSON_PARIS}</tool_call>", PARIS, text="I need it.</think>")

after = Dialect("after the call")
after.reads(f"{JSON_PARIS}\nObservation: 22\nIt is warm.", PARIS)
after.reads(f"{JSON_PARIS}\n\n<tool_response>22</tool_response>\n\nIt is warm.", PARIS)
after.reads(f"{JSON_PARIS}\n<tool_result>\n22\n</tool_result>\nIt is warm.", PARIS)
after.reads(f"```json\n{JSON_PARIS}\n```\nTool result: 22\nIt is warm.", PARIS)
after.reads(f"```json\n{JSON_PARIS}\n```\n\n**Observation:** 22", PARIS)
after.reads(f"<tool_call>{JSON_PARIS}</tool_call>\nUser: thanks", PARIS)
after.reads(f"<tool_call>{JSON_PARIS}</tool_call><|im_end|>\n<|im_start|>user\nthanks", PARIS)
after.reads(f"[TOOL_CALLS] [{JSON_PARIS}]\n[TOOL_RESULTS] 22", PARIS)
after.reads(f"{JSON_PARIS}\nI wait for it.\nObservation: 22", PARIS, text="I wait for it.")
after.reads(f'{JSON_PARIS}\nObservation: 22\n{{"name": "search", "arguments": {{"query": "cats"}}}}', PARIS)
after.reads(
    f"{JSON_PARIS}\nThe result: I tell you when I have it.", PARIS, text="The result: I tell you when I have it."
)
after.reads(f"{JSON_PARIS}\n\n\nOne.\n\nTwo.\n", PARIS, text="One.\n\nTwo.\n")
after.reads(f"  {JSON_PARIS}  \n  ", PARIS)
after.reads(f"One.\n\n{JSON_PARIS}\n\nTwo.", PARIS, text="One.\n\nTwo.")
after.reads(
    f'{JSON_PARIS}\n\n{{"name": "get_time", "arguments": {{}}}}\n\n{{"name": "search", "arguments": {{"query": "cats"}}}}',
    PARIS,
    NOW,
    CATS,
)

xlam = Dialect("xLAM")
xlam.reads(f"[{JSON_PARIS}]", PARIS)
xlam.reads(
    '{"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}, {"name": "get_time", "arguments": {}}]}',
    PARIS,
    NOW,
)
xlam.reads(f"I need it.\n\n[{JSON_PARIS}]", PARIS, text="I need it.")
xlam.reads(f"<think>x</think>[{JSON_PARIS}]", PARIS, text="<think>x</think>")

ALL = [answers, code, prose, reasoning, after, xlam]
