"""Tags: the wrappers of open models, and arguments as XML."""

from __future__ import annotations

from unit_tests.core.toolcalls.corpus.cases import CATS, NOW, OSLO, PARIS, SUM, Dialect

ANTHROPIC = "antml" + ":"
JSON_PARIS = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
JSON_NOW = '{"name": "get_time", "arguments": {}}'


def invoke(name, prefix="", attributes="", end="\n", **parameters):
    """A call in Anthropic's XML, whose tags can have a prefix."""
    lines = [f'<{prefix}invoke name="{name}">']
    lines += [
        f'<{prefix}parameter name="{key}"{attributes}>{value}</{prefix}parameter>' for key, value in parameters.items()
    ]
    return end.join([*lines, f"</{prefix}invoke>"])


hermes = Dialect("Hermes and Qwen")
hermes.reads(f"<tool_call>\n{JSON_PARIS}\n</tool_call>", PARIS)
hermes.reads(f"<tool_call>{JSON_PARIS}</tool_call>", PARIS)
hermes.reads(f"<tool_call>\n{JSON_PARIS}\n</tool_call>\n<tool_call>\n{JSON_NOW}\n</tool_call>", PARIS, NOW)
hermes.reads(f"I look it up.\n<tool_call>\n{JSON_PARIS}\n</tool_call>", PARIS, text="I look it up.")
hermes.reads(f"I look it up.<tool_call>{JSON_PARIS}</tool_call> Wait.", PARIS, text="I look it up. Wait.")
hermes.reads(
    f"First <tool_call>{JSON_PARIS}</tool_call> then <tool_call>{JSON_NOW}</tool_call>", PARIS, NOW, text="First then"
)
hermes.reads(f"<tool_call>\n{JSON_PARIS}\n{JSON_NOW}\n</tool_call>", PARIS, NOW)
hermes.reads(f"<tool_call>\n[{JSON_PARIS}, {JSON_NOW}]\n</tool_call>", PARIS, NOW)
hermes.reads(f"<tool_call>\n{JSON_PARIS}", PARIS)
hermes.reads(f"<tool_call>\n{JSON_PARIS[:-1]}\n</tool_call>", PARIS)
hermes.reads(f"<tool_call>\n{JSON_PARIS[:-1]}\n</tool_call>\nPlease wait.", PARIS, text="Please wait.")
hermes.reads(f"<tool_call>\n{JSON_PARIS}}}\n</tool_call>", PARIS)
hermes.reads(f"<tool_call>\n```json\n{JSON_PARIS}\n```\n</tool_call>", PARIS)
hermes.reads(f"```xml\n<tool_call>\n{JSON_PARIS}\n</tool_call>\n```", PARIS)
hermes.reads(f"```\n<tool_call>\n{JSON_PARIS}\n</tool_call>\n```\nPlease wait.", PARIS, text="Please wait.")
hermes.reads("<tool_call>\n{'name': 'get_weather', 'arguments': {'city': 'Paris'}}\n</tool_call>", PARIS)
hermes.reads('<tool_call>{"name": "fly", "arguments": {"to": "Rome"}}</tool_call>', invalid="fly")
hermes.reads(
    f'<tool_call>{{"name": "fly", "arguments": {{}}}}</tool_call><tool_call>{JSON_PARIS}</tool_call>',
    PARIS,
    invalid="fly",
)
hermes.reads(
    '<tool_call>{"name": "search", "arguments": {"query": "what is </tool_call>?"}}</tool_call>',
    ("search", {"query": "what is </tool_call>?"}),
)
hermes.reads(f"<tool_call>{JSON_PARIS}</tool_call>\n<tool_response>\n22 °C\n</tool_response>\nIt is warm.", PARIS)
hermes.reads(f"<tool_call>{JSON_PARIS}</tool_call><|im_end|>", PARIS)
hermes.reads(f"<TOOL_CALL>{JSON_PARIS}</TOOL_CALL>", PARIS)
hermes.reads('<tool_call>{"city": "Paris"}</tool_call>', invalid="?")
hermes.reads('<tool_call>\n{"name": "get_weather", "arguments": {"city": "Par', invalid="get_weather")
hermes.reads('<tool_call>\n{{"name": "get_weather", "arguments": {{"city": "Paris"}}}}\n</tool_call>', PARIS)
hermes.reads(
    "<tool_call>\n  <name>get_weather</name>\n  <arguments>\n    <city>Paris</city>\n  </arguments>\n</tool_call>",
    PARIS,
)
hermes.reads("<tool_call>{what?}</tool_call>", invalid="?")
hermes.leaves("<tool_call> is the tag that opens a call.")
hermes.leaves("The tag `<tool_call>` opens a call.")
hermes.leaves("Write <tool_call>...</tool_call> around it.")
hermes.leaves("<tool_call></tool_call>")

other_wrappers = Dialect("other wrappers")
for tag in (
    "function_call",
    "tool_calls",
    "function_calls",
    "TOOLCALL",
    "tool_use",
    "longcat_tool_call",
    "toolcall",
    "seed:tool_call",
):
    other_wrappers.reads(f"<{tag}>\n{JSON_PARIS}\n</{tag}>", PARIS)
other_wrappers.reads(f"<TOOLCALL>[{JSON_PARIS}, {JSON_NOW}]</TOOLCALL>", PARIS, NOW)
other_wrappers.reads(f"<tool>{JSON_PARIS}</tool>", PARIS)
other_wrappers.reads(f"<function>{JSON_PARIS}</function>", PARIS)
other_wrappers.leaves("<tool>hammer</tool>")
other_wrappers.leaves('<function>{"name": "Ada"}</function>')

jamba = Dialect("Jamba and Hunyuan")
jamba.reads(f"<tool_calls>[\n{JSON_PARIS},\n{JSON_NOW}\n]</tool_calls>", PARIS, NOW)
jamba.reads(f"I look.\n<tool_calls>[{JSON_PARIS}]</tool_calls>", PARIS, text="I look.")

minimax = Dialect("MiniMax")
minimax.reads(f"<tool_calls>\n{JSON_PARIS}\n{JSON_NOW}\n</tool_calls>", PARIS, NOW)
minimax.reads("<minimax:tool_call>\n" + invoke("get_weather", city="Paris") + "\n</minimax:tool_call>", PARIS)
minimax.reads(
    "<minimax:tool_call>\n" + invoke("add", a="1", b="2") + "\n" + invoke("get_time") + "\n</minimax:tool_call>",
    SUM,
    NOW,
)

granite = Dialect("Granite")
granite.reads(f"<|tool_call|>[{JSON_PARIS}]", PARIS)
granite.reads(f"<tool_call>[{JSON_PARIS}, {JSON_NOW}]", PARIS, NOW)
granite.reads(f"<|tool_call|> {JSON_PARIS}", PARIS)
granite.reads(f"<function_call> {JSON_PARIS} <function_call> {JSON_NOW}", PARIS, NOW)

phi = Dialect("Phi")
phi.reads(f"<|tool_call|>[{JSON_PARIS}]<|/tool_call|>", PARIS)
phi.reads(f"functools[{JSON_PARIS}]", PARIS)
phi.reads(f"functools[{JSON_PARIS}, {JSON_NOW}]", PARIS, NOW)
phi.reads('functools[{"name": "fly", "arguments": {}}]', invalid="fly")
phi.leaves("functools is a module of Python.")
phi.leaves("functools.partial(f, 1)")

qwen_coder = Dialect("Qwen3-coder")
qwen_coder.reads(
    "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>", PARIS
)
qwen_coder.reads(
    "<tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\n2\n</parameter>\n</function>\n</tool_call>",
    SUM,
)
qwen_coder.reads("<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>", PARIS)
qwen_coder.reads("<tool_call>\n<function=get_time>\n</function>\n</tool_call>", NOW)
qwen_coder.reads(
    "I look.\n<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>\n"
    "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n</function>\n</tool_call>",
    PARIS,
    OSLO,
    text="I look.",
)
qwen_coder.reads(
    "<tool_call>\n<function=run_python>\n<parameter=code>\nif a < b:\n    print('<b>')\n</parameter>\n</function>\n</tool_call>",
    ("run_python", {"code": "if a < b:\n    print('<b>')"}),
)
qwen_coder.reads("<function=get_weather>\n<parameter=city>\nParis\n</function>\n</tool_call>", PARIS)
qwen_coder.reads("<function=add>\n<parameter=a>\n1\n<parameter=b>\n2\n</parameter>\n</function>", SUM)
qwen_coder.reads("<function=get_weather>\n<parameter=city>\nParis\n</parameter>", PARIS)
qwen_coder.reads(
    '<tool_call>\n<function=plan>\n<parameter=steps>\n[{"do": "x"}]\n</parameter>\n</function>\n</tool_call>',
    ("plan", {"steps": [{"do": "x"}]}),
)
qwen_coder.reads("<function=fly>\n<parameter=to>\nRome\n</parameter>\n</function>", invalid="fly")
qwen_coder.reads("<function=get_weather>\n<parameter=city>\nPar", invalid="get_weather")
qwen_coder.leaves("<function=fly> is how it begins.")

llama_function = Dialect("Llama function tag")
llama_function.reads('<function=get_weather>{"city": "Paris"}</function>', PARIS)
llama_function.reads('<function=get_weather>{"city": "Paris"}</function><function=get_time>{}</function>', PARIS, NOW)
llama_function.reads('I look. <function=get_weather>{"city": "Paris"}</function>', PARIS, text="I look.")
llama_function.reads('<function=get_weather>{"city": "Paris"}', PARIS)
llama_function.reads('<function="get_weather">{"city": "Paris"}</function>', PARIS)
llama_function.reads('<function=fly>{"to": "Rome"}</function>', invalid="fly")
llama_function.reads('<function=get_weather>{"city": "Paris"</function>', PARIS)
llama_function.reads('<function=get_weather>{"city": "Par', invalid="get_weather")

anthropic = Dialect("Anthropic")
anthropic.reads("<function_calls>\n" + invoke("get_weather", city="Paris") + "\n</function_calls>", PARIS)
anthropic.reads(
    f"<{ANTHROPIC}function_calls>\n"
    + invoke("get_weather", ANTHROPIC, city="Paris")
    + f"\n</{ANTHROPIC}function_calls>",
    PARIS,
)
anthropic.reads(invoke("get_weather", city="Paris"), PARIS)
anthropic.reads(invoke("get_weather", ANTHROPIC, city="Paris"), PARIS)
anthropic.reads(invoke("get_weather", end="", city="Paris"), PARIS)
anthropic.reads(
    "I look.\n\n<function_calls>\n"
    + invoke("get_weather", city="Paris")
    + "\n"
    + invoke("get_time")
    + "\n</function_calls>",
    PARIS,
    NOW,
    text="I look.",
)
anthropic.reads(
    "<function_calls>\n"
    + invoke("add", a="1", b="2")
    + "\n</function_calls>\n<function_results>3</function_results>\nIt is 3.",
    SUM,
)
anthropic.reads(
    invoke("run_python", code="\nfor x in y:\n    if x < 1 and x > 0:\n        print('</p>')\n"),
    ("run_python", {"code": "for x in y:\n    if x < 1 and x > 0:\n        print('</p>')"}),
)
anthropic.reads(
    invoke("send_email", to='["a@example.org"]', body="Hi"), ("send_email", {"to": ["a@example.org"], "body": "Hi"})
)
anthropic.reads(invoke("get_weather", city="Paris").removesuffix("</invoke>"), PARIS)
anthropic.reads('<invoke name="get_weather">\n<city>Paris</city>\n</invoke>', PARIS)
anthropic.reads('<invoke name="get_weather">{"city": "Paris"}</invoke>', PARIS)
anthropic.reads('<tool_use>\n<name>get_weather</name>\n<arguments>{"city": "Paris"}</arguments>\n</tool_use>', PARIS)
anthropic.reads(
    "<tool_use><tool_name>get_weather</tool_name><parameters><city>Paris</city></parameters></tool_use>", PARIS
)
anthropic.reads(invoke("fly", to="Rome"), invalid="fly")
anthropic.leaves('The tag <invoke name="x"> names the tool.')
anthropic.leaves("You can <invoke> it.")

dsml = Dialect("DeepSeek DSML")
for space in ("｜DSML｜", "|DSML|", "｜｜DSML｜｜"):
    for wrapper in ("function_calls", "tool_calls"):
        body = invoke("get_weather", space, ' string="true"', city="Paris")
        dsml.reads(f"<{space}{wrapper}>\n{body}\n</{space}{wrapper}>", PARIS)
dsml.reads("I look.\n\n" + invoke("get_weather", "｜DSML｜", ' string="true"', city="Paris"), PARIS, text="I look.")
dsml.reads(
    "<｜DSML｜function_calls>\n"
    + invoke("add", "｜DSML｜", ' string="false"', a="1", b="2")
    + "\n</｜DSML｜function_calls>",
    SUM,
)
dsml.reads(
    invoke("plan", "｜DSML｜", ' string="false"', steps='[{"do": "x"}]', options='{"fast": true}'),
    ("plan", {"steps": [{"do": "x"}], "options": {"fast": True}}),
)
dsml.reads(
    '<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="city" string="true">Paris<｜DSML｜parameter>\n</｜DSML｜invoke>',
    PARIS,
)
dsml.reads(
    "<｜DSML｜tool_calls>\n"
    + invoke("get_weather", "｜DSML｜", ' string="true"', city="Paris")
    + "\n"
    + invoke("get_time", "｜DSML｜")
    + "\n</｜DSML｜tool_calls><｜end▁of▁sentence｜>",
    PARIS,
    NOW,
)

glm = Dialect("GLM 4.5")
glm.reads("<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n</tool_call>", PARIS)
glm.reads("<tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call>", PARIS)
glm.reads(
    "<tool_call>add\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n<arg_key>b</arg_key>\n<arg_value>2</arg_value>\n</tool_call>",
    SUM,
)
glm.reads("<tool_call>get_time\n</tool_call>", NOW)
glm.reads("<tool_call>get_time</tool_call>", NOW)
glm.reads(
    "I look.\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n</tool_call>\n"
    "<tool_call>get_time\n</tool_call>",
    PARIS,
    NOW,
    text="I look.",
)
glm.reads(
    '<tool_call>plan\n<arg_key>options</arg_key>\n<arg_value>{"fast": true}</arg_value>\n</tool_call>',
    ("plan", {"options": {"fast": True}}),
)
glm.reads("<tool_call>fly\n<arg_key>to</arg_key>\n<arg_value>Rome</arg_value>\n</tool_call>", invalid="fly")
glm.reads("<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>", PARIS)
glm.reads("<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Par", invalid="get_weather")
glm.reads('<tool_call>get_weather\n{"city": "Paris"}\n</tool_call>', PARIS)
glm.leaves("<tool_call>something else</tool_call>")

glm4 = Dialect("GLM 4")
glm4.reads('get_weather\n{"city": "Paris"}', PARIS)
glm4.reads('\nget_weather\n{"city": "Paris"}\n', PARIS)
glm4.reads('get_weather{"city": "Paris"}', PARIS)
glm4.reads('I look.\nget_weather\n{"city": "Paris"}', PARIS, text="I look.")
glm4.reads("get_time\n{}", NOW)
glm4.leaves('get_weather\n{"temperature": 22}')
glm4.leaves('search results\n{"query": "cats"}')
glm4.leaves("get_weather\nis a tool.")
glm4.leaves("get_weather gives the weather.")

own_tags = Dialect("tags of tools")
own_tags.reads("<get_weather>\n<city>Paris</city>\n</get_weather>", PARIS)
own_tags.reads("<get_weather><city>Paris</city></get_weather>", PARIS)
own_tags.reads("<add>\n<a>1</a>\n<b>2</b>\n</add>", SUM)
own_tags.reads("I look.\n<search>\n<query>cats</query>\n</search>", CATS, text="I look.")
own_tags.reads('<get_weather>{"city": "Paris"}</get_weather>', PARIS)
own_tags.reads('<get_weather city="Paris"/>', PARIS)
own_tags.reads("<run_python>\n<code>\nprint('<a>')\n</code>\n</run_python>", ("run_python", {"code": "print('<a>')"}))
own_tags.leaves("<search>cats</search>")
own_tags.leaves("<search><input/></search>")
own_tags.leaves("<search>\n<form>x</form>\n</search>")
own_tags.leaves("<add>\n<a>1</a>\n")
own_tags.leaves("<get_weather> is a tool")
own_tags.leaves('<search role="search">')

olmo = Dialect("OLMo and LFM")
olmo.reads('<function_calls>\nget_weather(city="Paris")\nget_time()\n</function_calls>', PARIS, NOW)
olmo.reads('<function_calls>get_weather(city="Paris")</function_calls>', PARIS)
olmo.reads('<|tool_call_start|>[get_weather(city="Paris")]<|tool_call_end|>', PARIS)
olmo.reads(
    '<|tool_call_start|>[get_weather(city="Paris"), get_time()]<|tool_call_end|>I look.', PARIS, NOW, text="I look."
)
olmo.reads('<|tool_call_start|>[fly(to="Rome")]<|tool_call_end|>', invalid="fly")

ALL = [
    hermes, other_wrappers, jamba, minimax, granite, phi, qwen_coder, llama_function, anthropic, dsml, glm, glm4, own_tags, olmo,
]  # fmt: skip
