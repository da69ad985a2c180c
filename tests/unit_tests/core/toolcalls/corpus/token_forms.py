"""Control tokens: what is left of a model's own format when a provider hands it on as text."""

from __future__ import annotations

from unit_tests.core.toolcalls.corpus.cases import CATS, NOW, PARIS, SUM, Dialect

JSON_PARIS = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
JSON_NOW = '{"name": "get_time", "arguments": {}}'

llama = Dialect("Llama 3")
llama.reads('<|python_tag|>{"name": "get_weather", "parameters": {"city": "Paris"}}<|eom_id|>', PARIS)
llama.reads('<|python_tag|>{"type": "function", "name": "get_weather", "parameters": {"city": "Paris"}}', PARIS)
llama.reads(
    '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Paris"}}; {"name": "get_time", "parameters": {}}<|eot_id|>',
    PARIS,
    NOW,
)
llama.reads('<|python_tag|>get_weather.call(city="Paris")<|eom_id|>', PARIS)
llama.reads('<|python_tag|>search.call(query="cats")', CATS)
llama.reads('<|python_tag|>get_weather(city="Paris")', PARIS)
llama.reads('<|python_tag|>fly.call(to="Rome")', invalid="fly")
llama.leaves("<|python_tag|>import math\nprint(math.pi)")
llama.reads('{"name": "get_weather", "parameters": {"city": "Paris"}}<|eot_id|>', PARIS)
llama.reads('{"type": "function", "name": "get_weather", "parameters": {"city": "Paris"}}', PARIS)

pythonic = Dialect("Llama 4 pythonic")
pythonic.reads('[get_weather(city="Paris")]', PARIS)
pythonic.reads('[get_weather(city="Paris"), get_time()]', PARIS, NOW)
pythonic.reads("[get_weather(city='Paris'), add(a=1, b=2)]", PARIS, SUM)
pythonic.reads('[get_weather(city="Paris")]<|eot|>', PARIS)
pythonic.reads(
    '[get_weather(city="Paris", metric=True, days=3)]', ("get_weather", {"city": "Paris", "metric": True, "days": 3})
)
pythonic.reads("[get_weather('Paris')]", PARIS)
pythonic.reads("[add(1, b=2)]", SUM)
pythonic.reads('[functions.get_weather(city="Paris")]', PARIS)
pythonic.reads(
    "[plan(steps=[{'do': 'x'}], options={'fast': True})]", ("plan", {"steps": [{"do": "x"}], "options": {"fast": True}})
)
pythonic.reads("[search(query='a, b) and [c]')]", ("search", {"query": "a, b) and [c]"}))
pythonic.reads('[\n    get_weather(\n        city="Paris",\n    ),\n]', PARIS)
pythonic.reads('I look.\n[get_weather(city="Paris")]', PARIS, text="I look.")
pythonic.reads('```python\n[get_weather(city="Paris")]\n```', PARIS)
pythonic.reads('```\n[get_weather(city="Paris")]\n```', PARIS)
pythonic.reads('get_weather(city="Paris")', PARIS)
pythonic.reads('get_weather(city="Paris")\nget_time()', PARIS, NOW)
pythonic.reads('[get_weather(city="Paris")', PARIS)
pythonic.leaves("[fly(to='Rome')]")
pythonic.leaves("[x for x in range(3)]")
pythonic.leaves('[get_weather(city="Paris"), fly(to="Rome")]')
pythonic.leaves("get_weather(city) gives the weather.")
pythonic.leaves('get_weather(city="Paris") gives the weather of Paris.')
pythonic.leaves('Like this:\n```python\n[get_weather(city="Paris")]\n```')
pythonic.leaves('```python\n[get_weather(city="Paris")]\n```\nThat is how.')
pythonic.leaves('```python\nresult = get_weather(city="Paris")\n```')
pythonic.leaves('```python\nget_weather(city="Paris")\n```')

mistral = Dialect("Mistral")
mistral.reads(f"[TOOL_CALLS] [{JSON_PARIS}]", PARIS)
mistral.reads(f"[TOOL_CALLS][{JSON_PARIS}, {JSON_NOW}]", PARIS, NOW)
mistral.reads(f"[TOOL_CALLS] {JSON_PARIS}", PARIS)
mistral.reads(f"[TOOL_CALLS] [{JSON_PARIS}]</s>", PARIS)
mistral.reads(f"I look.[TOOL_CALLS] [{JSON_PARIS}]", PARIS, text="I look.")
mistral.reads('[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}', PARIS)
mistral.reads('[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}[TOOL_CALLS]get_time[ARGS]{}', PARIS, NOW)
mistral.reads('[TOOL_CALLS]get_weather[CALL_ID]a1B2c3D4e[ARGS]{"city": "Paris"}', PARIS)
mistral.reads('[TOOL_CALLS]get_weather{"city": "Paris"}', PARIS)
mistral.reads('[TOOL_CALLS] [{"name": "fly", "arguments": {}}]', invalid="fly")
mistral.reads('[TOOL_CALLS]fly[ARGS]{"to": "Rome"}', invalid="fly")
mistral.reads("[TOOL_CALLS] [{'name': 'get_weather', 'arguments': {'city': 'Paris'}}]", PARIS)
mistral.leaves("The token [TOOL_CALLS] opens a list.")
mistral.leaves("[TOOL_CALLS]")

DEEPSEEK = "<｜tool▁calls▁begin｜>{}<｜tool▁calls▁end｜>"
V3 = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>{}\n```json\n{}\n```<｜tool▁call▁end｜>"
V31 = "<｜tool▁call▁begin｜>{}<｜tool▁sep｜>{}<｜tool▁call▁end｜>"


def ascii_of(text):
    """The same tokens where a tokenizer has made them plain."""
    return text.replace("｜", "|").replace("▁", "_")


deepseek = Dialect("DeepSeek")
for dress in (str, ascii_of):
    deepseek.reads(dress(DEEPSEEK.format(V3.format("get_weather", '{"city": "Paris"}'))), PARIS)
    deepseek.reads(
        dress(DEEPSEEK.format(V3.format("get_weather", '{"city": "Paris"}') + "\n" + V3.format("get_time", "{}"))),
        PARIS,
        NOW,
    )
    deepseek.reads(dress(DEEPSEEK.format(V31.format("get_weather", '{"city": "Paris"}'))), PARIS)
    deepseek.reads(
        dress(DEEPSEEK.format(V31.format("get_weather", '{"city": "Paris"}') + V31.format("get_time", "{}"))),
        PARIS,
        NOW,
    )
    deepseek.reads(dress("I look." + DEEPSEEK.format(V31.format("search", '{"query": "cats"}'))), CATS, text="I look.")
    deepseek.reads(dress(V3.format("search", '{"query": "cats"}')), CATS)
    deepseek.reads(dress(DEEPSEEK.format(V31.format("fly", '{"to": "Rome"}'))), invalid="fly")
deepseek.reads(DEEPSEEK.format(V31.format("get_time", "{}")) + "<｜end▁of▁sentence｜>", NOW)
deepseek.reads('<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>search<｜tool▁sep｜>{"query": "cats"}', CATS)

step = Dialect("Step 3")
step.reads(
    '<｜tool_calls_begin｜><｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="get_weather">'
    '<steptml:parameter name="city">Paris</steptml:parameter></steptml:invoke><｜tool_call_end｜><｜tool_calls_end｜>',
    PARIS,
)

K2 = "<|tool_call_begin|>{}<|tool_call_argument_begin|>{}<|tool_call_end|>"
SECTION = "<|tool_calls_section_begin|>{}<|tool_calls_section_end|>"
kimi = Dialect("Kimi K2")
kimi.reads(SECTION.format(K2.format("functions.get_weather:0", '{"city": "Paris"}')), PARIS)
kimi.reads(
    SECTION.format(K2.format("functions.get_weather:0", '{"city": "Paris"}') + K2.format("functions.get_time:1", "{}")),
    PARIS,
    NOW,
)
kimi.reads("I look." + SECTION.format(K2.format("functions.search:0", '{"query": "cats"}')), CATS, text="I look.")
kimi.reads(K2.format("functions.search:0", '{"query": "cats"}'), CATS)
kimi.reads(SECTION.format(K2.format("get_weather", '{"city": "Paris"}')), PARIS)
kimi.reads(SECTION.format(K2.format("functions.get_weather:0 ", ' {"city": "Paris"} ')), PARIS)
kimi.reads(SECTION.format(K2.format("functions.fly:0", "{}")), invalid="fly")
kimi.reads(SECTION.format(K2.format("functions.get_time:0", "{}")) + "<|tool_calls_section_end|>", NOW)

command = Dialect("Command R and A")
command.reads(
    'Action: ```json\n[\n    {\n        "tool_name": "search",\n        "parameters": {"query": "cats"}\n    }\n]```',
    CATS,
)
command.reads('Action:\n```json\n[{"tool_name": "search", "parameters": {"query": "cats"}}]\n```', CATS)
command.reads(
    'Plan: I search.\nAction: ```json\n[{"tool_name": "search", "parameters": {"query": "cats"}}]\n```',
    CATS,
    text="Plan: I search.",
)
command.reads(
    '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "search", "parameters": {"query": "cats"}}]<|END_ACTION|>',
    CATS,
)
command.reads(
    '<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "search", "parameters": {"query": "cats"}},\n'
    '    {"tool_call_id": "1", "tool_name": "get_time", "parameters": {}}\n]<|END_ACTION|>',
    CATS,
    NOW,
)
command.leaves('Action: ```json\n[{"tool_name": "directly-answer", "parameters": {}}]\n```')

harmony = Dialect("gpt-oss")
harmony.reads('<|channel|>commentary to=functions.search <|constrain|>json<|message|>{"query": "cats"}<|call|>', CATS)
harmony.reads(
    '<|start|>assistant<|channel|>commentary to=functions.search <|constrain|>json<|message|>{"query": "cats"}<|call|>',
    CATS,
)
harmony.reads(
    '<|start|>assistant to=functions.search<|channel|>commentary json<|message|>{"query": "cats"}<|call|>', CATS
)
harmony.reads('<|channel|>commentary to=functions.search<|message|>{"query": "cats"}', CATS)
harmony.reads(
    '<|channel|>commentary to=functions.fly <|constrain|>json<|message|>{"to": "Rome"}<|call|>', invalid="fly"
)
harmony.reads(
    '<|channel|>commentary to=functions.search <|constrain|>json<|message|>{"query": "cats"}<|call|>'
    "<|start|>assistant<|channel|>commentary to=functions.get_time <|constrain|>json<|message|>{}<|call|>",
    CATS,
    NOW,
)
harmony.reads('commentary to=functions.search json{"query": "cats"}', CATS)
harmony.reads('<|channel|>commentary to=functions.search <|constrain|>json<|message|>{"query": "ca', invalid="search")
harmony.leaves("commentary to=nobody")
harmony.leaves("<|channel|>final<|message|>It is warm.<|return|>")
harmony.leaves("<|channel|>commentary<|message|>I look it up.<|end|>")

gemma = Dialect("Gemma")
gemma.reads("<start_function_call>call:get_weather{city:<escape>Paris<escape>}<end_function_call>", PARIS)
gemma.reads("<start_function_call>call:add{a:1,b:2}<end_function_call>", SUM)
gemma.reads(
    "<start_function_call>call:get_weather{city:<escape>Paris<escape>,days:3}<end_function_call>"
    "<start_function_call>call:get_time{}<end_function_call>",
    ("get_weather", {"city": "Paris", "days": 3}),
    NOW,
)
gemma.reads('<|tool_call>call:get_weather{city:<|"|>Paris<|"|>}<tool_call|>', PARIS)
gemma.reads('<|tool_call>:call:get_weather{city:<|"|>Paris<|"|>}<turn|>', PARIS)
gemma.reads('I look.\ncall:get_weather{city:<|"|>Paris<|"|>}', PARIS, text="I look.")
gemma.reads('call:search{query:<|"|>a } "b" {<|"|>}', ("search", {"query": 'a } "b" {'}))
gemma.reads("<start_function_call>call:fly{to:<escape>Rome<escape>}<end_function_call>", invalid="fly")
gemma.reads('```tool_code\nget_weather(city="Paris")\n```', PARIS)
gemma.reads('```tool_code\nprint(get_weather(city="Paris"))\n```', PARIS)
gemma.reads('```tool_code\nprint(default_api.get_weather(city="Paris"))\n```', PARIS)
gemma.reads('```tool_code\nget_weather(city="Paris")\nget_time()\n```', PARIS, NOW)
gemma.reads('```tool_code\n[get_weather(city="Paris")]\n```', PARIS)
gemma.reads("I look.\n```tool_code\nget_time()\n```\n```tool_output\n12:00\n```\nIt is noon.", NOW, text="I look.")
gemma.reads('call:get_weather{city:<|"|>Par', invalid="get_weather")
gemma.leaves("```tool_code\nx = 1\nprint(x)\n```")
gemma.leaves("call: me later")
gemma.leaves("call:fly{to:1}")

intern = Dialect("InternLM and Apertus")
intern.reads(f"I look.<|action_start|><|plugin|>\n{JSON_PARIS}<|action_end|>", PARIS, text="I look.")
intern.reads('<|tools_prefix|>[{"get_weather": {"city": "Paris"}}]<|tools_suffix|>', PARIS)
intern.reads('<|tools_prefix|>[{"get_weather": {"city": "Paris"}}, {"get_time": {}}]<|tools_suffix|>', PARIS, NOW)

ALL = [llama, pythonic, mistral, deepseek, step, kimi, command, harmony, gemma, intern]
