"""JSON: fenced, bare, wrapped, one after the other, with all keys that models use."""

from __future__ import annotations

from unit_tests.core.toolcalls.corpus.cases import CATS, NOW, OSLO, PARIS, SUM, Dialect

fenced = Dialect("fenced JSON")
fenced.reads('```json\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n```', PARIS)
fenced.reads('```json\n[{"name": "get_weather", "arguments": {"city": "Paris"}}]\n```', PARIS)
fenced.reads('```json\n[{"id": "abc", "name": "get_weather", "arguments": {"city": "Paris"}}]\n```', PARIS)
fenced.reads(
    '```json\n[\n  {\n    "name": "get_weather",\n    "arguments": {\n      "city": "Paris"\n    }\n  },\n'
    '  {\n    "name": "get_time",\n    "arguments": {}\n  }\n]\n```',
    PARIS,
    NOW,
)
fenced.reads(
    'I look it up.\n\n```json\n[{"name": "search", "arguments": {"query": "cats"}}]\n```', CATS, text="I look it up."
)
fenced.reads(
    'I look it up.\n\n```json\n[{"name": "search", "arguments": {"query": "cats"}}]\n```\n\nOne moment.',
    CATS,
    text="I look it up.\n\nOne moment.",
)
fenced.reads('Here: ```json\n{"name": "search", "arguments": {"query": "cats"}}\n```', CATS, text="Here:")
fenced.reads('```\n{"name": "search", "arguments": {"query": "cats"}}\n```', CATS)
fenced.reads('```JSON\n{"name": "search", "arguments": {"query": "cats"}}\n```\n', CATS)
fenced.leaves('```jsonc\n// look it up\n{"name": "search", "arguments": {"query": "cats"}}\n```')
fenced.reads('~~~json\n{"name": "search", "arguments": {"query": "cats"}}\n~~~', CATS)
fenced.reads('````json\n{"name": "search", "arguments": {"query": "cats"}}\n````', CATS)
fenced.reads('```tool_call\n{"name": "search", "arguments": {"query": "cats"}}\n```', CATS)
fenced.reads('```tool_calls\n[{"name": "fly", "arguments": {}}]\n```', invalid="fly")
fenced.reads('```json\n[{"id": "a1", "name": "fly", "arguments": {"to": "Rome"}}]\n```', invalid="fly")
fenced.reads(
    'Off we go.\n```json\n[\n  {"id":"a1", "name" : "fly", "arguments": {}}\n]\n```', text="Off we go.", invalid="fly"
)
fenced.reads('```json tool\n{"name": "search", "arguments": {"query": "cats"}}\n```', CATS)
fenced.reads('  ```json\n  {"name": "search", "arguments": {"query": "cats"}}\n  ```', CATS)
fenced.reads(
    '```json\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n```\n```json\n{"name": "get_time", "arguments": {}}\n```',
    PARIS,
    NOW,
)
fenced.reads(
    'First:\n```json\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n```\nand then:\n'
    '```json\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n```',
    PARIS,
    OSLO,
    text="First:\nand then:",
)
fenced.reads(
    '```json\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n{"name": "get_time", "arguments": {}}\n```',
    PARIS,
    NOW,
)
fenced.reads(
    '```json\n{"name": "get_weather", "arguments": {"city": "Paris"}},\n{"name": "get_time", "arguments": {}}\n```',
    PARIS,
    NOW,
)
fenced.reads('```json\n{"name": "search", "arguments": {"query": "cats"}}', CATS)
fenced.reads('```json\n[{"name": "search", "arguments": {"query": "cats"}}', CATS)
fenced.reads('```json\n{"name": "search", "arguments": {"query": "cats"}}}\n```', CATS)
fenced.reads('```json\n{"name": "search", "arguments": {"query": "cats"}\n```', CATS)
fenced.reads('```json\n{"name": "search", "arguments": {"query": "cats"}}\n``', CATS)
fenced.reads('```json\n{"name": "search", "arguments": {"query": "a ``` b"}}\n```', ("search", {"query": "a ``` b"}))
fenced.reads(
    '```json\n[{"name": "run_python", "arguments": {"code": "print(\\"}]\\")\\n```x```"}}]\n```',
    ("run_python", {"code": 'print("}]")\n```x```'}),
)
fenced.reads(
    '```json\n[{"name": "get_weather", "arguments": {"city": "Paris"}}, {"name": "fly", "arguments": {}}]\n```',
    PARIS,
    invalid="fly",
)

bare = Dialect("bare JSON")
bare.reads('{"name": "get_weather", "arguments": {"city": "Paris"}}', PARIS)
bare.reads('\n\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n', PARIS)
bare.reads(
    '[{"name": "get_weather", "arguments": {"city": "Paris"}}, {"name": "get_time", "arguments": {}}]', PARIS, NOW
)
bare.reads('Sure.\n{"name": "get_weather", "arguments": {"city": "Paris"}}', PARIS, text="Sure.")
bare.reads(
    'Sure.\n{"name": "get_weather", "arguments": {"city": "Paris"}}\nPlease wait.', PARIS, text="Sure.\nPlease wait."
)
bare.reads('{"name": "get_weather", "arguments": {"city": "Paris"}} Please wait.', PARIS, text="Please wait.")
bare.reads('{"name": "get_weather", "arguments": {"city": "Paris"}}\n{"name": "get_time", "arguments": {}}', PARIS, NOW)
bare.reads('{"name": "get_weather", "arguments": {"city": "Paris"}}{"name": "get_time", "arguments": {}}', PARIS, NOW)
bare.reads('{"name": "get_weather", "arguments": {"city": "Paris"}}; {"name": "get_time", "arguments": {}}', PARIS, NOW)
bare.reads(
    '{"name": "get_weather", "arguments": {"city": "Paris"}},\n{"name": "get_time", "arguments": {}}', PARIS, NOW
)
bare.reads(
    '[{"name": "get_weather", "arguments": {"city": "Paris"}}]\n[{"name": "get_time", "arguments": {}}]', PARIS, NOW
)
bare.reads('{\n  "name": "get_weather",\n  "arguments": {\n    "city": "Paris"\n  }\n}', PARIS)
bare.reads('{"thought": "I need it.", "name": "get_weather", "arguments": {"city": "Paris"}}', PARIS)
bare.reads('{"arguments": {"city": "Paris"}, "name": "get_weather"}', PARIS)
bare.reads('{"id": "call_1", "type": "function", "name": "get_weather", "arguments": {"city": "Paris"}}', PARIS)
bare.reads('{"name": "get_time"}', NOW)
bare.reads('{"name": "get_time", "arguments": null}', NOW)
bare.reads('{"name": "get_time", "arguments": ""}', NOW)
bare.reads('{"name": "get_weather", "city": "Paris"}', PARIS)
bare.reads('{"name": "get_weather", "arguments": {"city": "Paris"}}}', PARIS)
bare.reads('{"name": "get_weather", "arguments": {"city": "Paris"}', PARIS)
bare.reads('{"name": "get_weather", "arguments": {"city": "Paris"', PARIS)
bare.reads('{"name": "get_weather", "arguments": {"city": "Par', invalid="get_weather")
bare.reads('```json\n[{"name": "get_weather", "arguments": {"city": "Par', invalid="get_weather")
bare.reads('{{"name": "get_weather", "arguments": {{"city": "Paris"}}}}', PARIS)
bare.reads(
    '[{"name": "get_weather", "arguments": {"city": "Paris"}}\n{"name": "get_time", "arguments": {}}]', PARIS, NOW
)

repairs = Dialect("sloppy JSON")
repairs.reads("{'name': 'get_weather', 'arguments': {'city': 'Paris'}}", PARIS)
repairs.reads('{"name": "get_weather", "arguments": {"city": "Paris",},}', PARIS)
repairs.reads('{"name": "get_weather", "arguments": {"city": "Paris"} // the capital\n}', PARIS)
repairs.reads('{"name": "get_weather", /* of France */ "arguments": {"city": "Paris"}}', PARIS)
repairs.reads("{“name”: “get_weather”, “arguments”: {“city”: “Paris”}}", PARIS)
repairs.reads('{name: "get_weather", arguments: {city: "Paris"}}', PARIS)
repairs.reads(
    '{"name": "get_weather", "arguments": {"city": "Paris", "metric": True}}',
    ("get_weather", {"city": "Paris", "metric": True}),
)
repairs.reads(
    '{"name": "get_weather", "arguments": {"city": "Paris", "metric": False, "days": 3}}',
    ("get_weather", {"city": "Paris", "metric": False, "days": 3}),
)
repairs.reads("{'name': 'get_time', 'arguments': None}", NOW)
repairs.reads('{"name": "run_python", "arguments": {"code": "a = 1\nb = 2"}}', ("run_python", {"code": "a = 1\nb = 2"}))
repairs.reads('{"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}', PARIS)
repairs.reads('{"name": "get_weather", "arguments": "\\"{\\\\\\"city\\\\\\": \\\\\\"Paris\\\\\\"}\\""}', PARIS)
repairs.reads('{"name": "add", "arguments": {"a": "1", "b": "2"}}', SUM)
repairs.reads(
    '{"name": "get_weather", "arguments": {"city": "Paris", "days": "3"}}',
    ("get_weather", {"city": "Paris", "days": 3}),
)
repairs.reads('{"name": "search", "arguments": {"query": "42"}}', ("search", {"query": "42"}))
repairs.reads('{"name": "send_email", "arguments": {"to": "a@example.org"}}', ("send_email", {"to": ["a@example.org"]}))
repairs.reads(
    '{"name": "send_email", "arguments": {"to": "[\\"a@example.org\\"]"}}', ("send_email", {"to": ["a@example.org"]})
)
repairs.reads('```json\n{"name": "get_weather" "arguments": {"city": "Paris"}}\n```', PARIS)

keys = Dialect("keys")
for name_key in ("name", "tool", "function", "function_name", "tool_name", "action", "toolName"):
    keys.reads(f'{{"{name_key}": "search", "arguments": {{"query": "cats"}}}}', CATS)
for arguments_key in ("args", "parameters", "params", "input", "tool_input", "action_input", "kwargs", "toolInput"):
    keys.reads(f'{{"name": "search", "{arguments_key}": {{"query": "cats"}}}}', CATS)
keys.reads('{"action": "search", "action_input": {"query": "cats"}}', CATS)
keys.reads('{"action": "search", "action_input": "cats"}', CATS)
keys.reads('{"tool": "search", "tool_input": "cats"}', CATS)
keys.reads('{"type": "tool_use", "id": "toolu_1", "name": "search", "input": {"query": "cats"}}', CATS)
keys.reads('{"recipient_name": "functions.search", "parameters": {"query": "cats"}}', CATS)
keys.reads('{"action": "tool_call", "name": "search", "arguments": {"query": "cats"}}', CATS)

wrapped = Dialect("wrapped JSON")
wrapped.reads('{"tool_calls": [{"name": "search", "arguments": {"query": "cats"}}]}', CATS)
wrapped.reads(
    '{"tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "search", "arguments": "{\\"query\\": \\"cats\\"}"}}]}',
    CATS,
)
wrapped.reads('{"type": "function", "function": {"name": "search", "arguments": "{\\"query\\": \\"cats\\"}"}}', CATS)
wrapped.reads('[{"type": "function", "function": {"name": "search", "arguments": {"query": "cats"}}}]', CATS)
wrapped.reads('{"function": {"name": "search", "arguments": {"query": "cats"}}}', CATS)
wrapped.reads('{"function_call": {"name": "search", "arguments": "{\\"query\\": \\"cats\\"}"}}', CATS)
wrapped.reads('{"tool_call": {"name": "search", "arguments": {"query": "cats"}}}', CATS)
wrapped.reads(
    '{"tool_calls": [{"name": "search", "arguments": {"query": "cats"}}, {"name": "get_time", "arguments": {}}]}',
    CATS,
    NOW,
)
wrapped.reads('{"tool_calls": [{"name": "fly", "arguments": {"to": "Paris"}}]}', invalid="fly")
wrapped.reads('```json\n{"tool_calls": [{"name": "search", "arguments": {"query": "cats"}}]}\n```', CATS)
wrapped.reads(
    '{"role": "assistant", "content": "I look.", "tool_calls": [{"function": {"name": "search", "arguments": "{\\"query\\": \\"cats\\"}"}}]}',
    CATS,
    text="I look.",
)
wrapped.reads(
    '{"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "get_time", "arguments": "{}"}}]}', NOW
)
wrapped.reads('{"tool_uses": [{"recipient_name": "functions.search", "parameters": {"query": "cats"}}]}', CATS)
wrapped.leaves('{"tool_calls": []}')
wrapped.leaves('{"tool_calls": 3}')
wrapped.leaves('{"tool_calls": [1, 2]}')
wrapped.leaves('{"tool_calls": ["search"]}')

named = Dialect("name as key")
named.reads('{"get_weather": {"city": "Paris"}}', PARIS)
named.reads('```json\n{"search": {"query": "cats"}}\n```', CATS)
named.reads('{"get_weather": {"city": "Paris"}, "search": {"query": "cats"}}', PARIS, CATS)
named.reads('[{"get_weather": {"city": "Paris"}}, {"get_time": {}}]', PARIS, NOW)
named.leaves('{"search": {"results": [1, 2]}}')
named.leaves('{"Get_Weather": {"city": "Paris"}}')
named.leaves('{"get_weather": "Paris"}')
named.leaves('{"get_weather": {"city": "Paris"}, "source": "memory"}')

names = Dialect("names", tools="awkward")
names.reads('{"name": "list_files", "arguments": {"path": "."}}', ("list-files", {"path": "."}))
names.reads('{"name": "functions.list-files", "arguments": {"path": "."}}', ("list-files", {"path": "."}))
names.reads('{"name": "calendar_create", "arguments": {"title": "x"}}', ("Calendar_Create", {"title": "x"}))
names.reads('{"name": "Calendar_Crate", "arguments": {"title": "x"}}', ("Calendar_Create", {"title": "x"}))
names.reads('{"name": "fs.read", "arguments": {"path": "a"}}', ("fs.read", {"path": "a"}))
names.reads('{"name": "name", "arguments": {"name": "Ada"}}', ("name", {"name": "Ada"}))
names.reads('<tool_call>{"name": "delete_all", "arguments": {}}</tool_call>', invalid="delete_all")
names.leaves('{"name": "Ada", "arguments": {"path": "."}}')

ALL = [fenced, bare, repairs, keys, wrapped, named, names]
