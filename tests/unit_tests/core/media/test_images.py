import asyncio
import json

import pytest
from g4f.providers.response import ImageResponse

from g4f_integrations import Endpoint, Resilience, Route, errors
from g4f_integrations.core.media import (
    DownloadLimits,
    GeneratedImage,
    acreate_variation,
    aedit_image,
    agenerate_images,
    create_variation,
    edit_image,
    generate_images,
)
from g4f_integrations.core.media.work import links_in
from g4f_integrations.testing import ScriptedProvider, stall
from loopback import LoopbackServer, Reply, Stall
from toy_media import LIES, NOTICE, PAGE, base64_of, data_uri, mp3, png

ALLOWED = DownloadLimits(allow_private=True)
QUICK = Resilience(backoff_initial=0, attempts_per_route=1)
GOOD = Reply.json({"data": [{"b64_json": base64_of(png())}]})


def drawing(*items):
    return ScriptedProvider(ImageResponse(list(items), "a picture"))


def good():
    return drawing(data_uri(png()))


def outcomes(image):
    return [attempt.outcome for attempt in image.attempts]


# Over endpoints


def test_an_endpoint_is_asked_as_openai_is(loopback):
    loopback.replies(Reply.json({"model": "m-2", "data": [{"b64_json": base64_of(png()), "revised_prompt": "A cat."}]}))

    (image,) = generate_images(
        "a cat",
        base_url=loopback.base_url,
        model="m",
        api_key="key-123456",
        size="64x32",
        quality="hd",
        style="vivid",
        seed=7,
        response_format="bytes",
        extra={"background": "transparent"},
    )

    asked = loopback.requests[0]
    assert (asked.method, asked.path) == ("POST", "/v1/images/generations")
    assert asked.headers["authorization"] == "Bearer key-123456"
    assert asked.body == {
        "model": "m",
        "prompt": "a cat",
        "n": 1,
        "response_format": "b64_json",
        "seed": 7,
        "quality": "hd",
        "style": "vivid",
        "size": "64x32",
        "background": "transparent",
    }
    assert (image.data, image.mime_type, image.width, image.height) == (png(), "image/png", 3, 2)
    assert (image.model, image.revised_prompt) == ("m-2", "A cat.")


@pytest.mark.parametrize("url", ["{root}/files/a.png?sig=x", "/files/a.png?sig=x", "data:image/png;base64,{data}"])
def test_an_address_is_fetched_from_the_endpoints_own_host_though_it_is_private(loopback, url):
    url = url.format(root=loopback.root, data=base64_of(png()))
    loopback.replies(Reply.json({"data": [{"url": url}]}), Reply.status(200, png(), content_type="image/png"))

    (image,) = generate_images("a cat", base_url=loopback.base_url, api_key="key-123456")

    assert image.data == png()
    if not url.startswith("data:"):
        assert image.url == f"{loopback.root}/files/a.png?sig=x"
        assert loopback.requests[1].headers["authorization"] == "Bearer key-123456"


def test_an_address_elsewhere_gets_no_key_and_must_be_public(loopback, files):
    files.replies(Reply.status(200, png(), content_type="image/png"))
    loopback.replies(Reply.json({"data": [{"url": f"{files.root}/a.png"}]}))
    asking = {"base_url": loopback.base_url, "api_key": "key-123456", "resilience": QUICK}

    with pytest.raises(errors.IntegrationError, match="private network"):
        generate_images("a cat", **asking)
    assert files.requests == []

    assert generate_images("a cat", limits=ALLOWED, **asking)[0].data == png()
    assert "authorization" not in files.requests[0].headers


def test_an_endpoint_may_answer_with_the_picture_itself(loopback):
    loopback.replies(Reply.status(200, png(), content_type="image/png"))

    assert generate_images("a cat", base_url=loopback.base_url)[0].data == png()


def test_g4fs_own_name_for_the_route_is_tried_where_openais_is_missing(loopback):
    loopback.replies(Reply.json({"detail": "Not Found"}, 404), GOOD)

    assert generate_images("a cat", base_url=loopback.base_url)[0].data == png()
    assert [asked.path for asked in loopback.requests] == ["/v1/images/generations", "/v1/images/generate"]


def test_an_endpoint_without_pictures_says_so(loopback):
    loopback.replies(Reply.json({"detail": "Not Found"}, 404))

    with pytest.raises(errors.InvalidRequestError, match="has no /images/edits"):
        edit_image(png(), "red", base_url=loopback.base_url)


def test_a_refused_parameter_is_left_out_and_told(loopback):
    refusal = Reply.json({"error": {"message": "Unknown parameter: 'style'.", "param": "style"}}, 400)
    loopback.replies(refusal, GOOD)

    (image,) = generate_images("a cat", base_url=loopback.base_url, style="vivid")

    assert "style" not in loopback.requests[1].body
    assert image.dropped == ("style",)
    assert outcomes(image) == ["bad_request", "ok"]


def test_a_providers_name_goes_into_the_body_of_a_g4f_server(loopback):
    loopback.replies(GOOD)

    generate_images("a cat", base_url=loopback.base_url, provider="PollinationsImage")

    assert loopback.requests[0].body["provider"] == "PollinationsImage"


def test_a_server_that_cannot_encode_a_picture_is_asked_for_its_address(loopback):
    failing = Reply.json({"error": {"message": "Request execution failed"}}, 500)
    loopback.replies(failing, Reply.json({"data": [{"url": data_uri(png())}]}))

    (image,) = generate_images("a cat", base_url=loopback.base_url, response_format="bytes")

    assert [asked.body["response_format"] for asked in loopback.requests] == ["b64_json", "url"]
    assert image.data == png()


@pytest.mark.parametrize("announced", [True, False])
def test_a_hundred_megabytes_are_refused(loopback, announced):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"
    loopback.replies(Reply.raw(head) if announced else Reply.body(*[bytes(100_000)] * 20))
    limits = DownloadLimits() if announced else DownloadLimits(max_bytes=100)

    with pytest.raises(errors.IntegrationError, match="longer than"):
        generate_images("a cat", base_url=loopback.base_url, resilience=QUICK, limits=limits)


# Over g4f's providers


def test_a_provider_is_asked_by_its_own_names():
    provider = good()

    (image,) = generate_images(
        "a cat", provider=provider, size="64x32", negative_prompt="dogs", seed=3, api_key="key-123456"
    )

    (call,) = provider.calls
    assert call.messages == [{"role": "user", "content": "a cat"}]
    assert (call.prompt, call.width, call.height, call.negative_prompt, call.seed) == ("a cat", 64, 32, "dogs", 3)
    assert call.download_media is False
    assert call.api_key == "key-123456"
    assert (image.data, image.provider) == (png(), provider.__name__)


@pytest.mark.parametrize(
    ("attributes", "model"),
    [
        ({"default_image_model": "flux", "default_model": "chat"}, "flux"),
        ({"image_models": {"sd": "x"}, "default_model": "chat"}, "sd"),
        ({"default_model": "only"}, "only"),
        ({}, ""),
    ],
)
def test_a_provider_gets_its_own_model_for_pictures_where_none_is_named(attributes, model):
    provider = ScriptedProvider(ImageResponse(data_uri(png()), "x"), **attributes)

    image = generate_images("a cat", provider=provider)[0]

    assert provider.calls[0].model == image.model == model


def test_a_named_model_goes_through_the_providers_aliases():
    provider = ScriptedProvider(ImageResponse(data_uri(png()), "x"), model_aliases={"flux": "flux-2"})

    generate_images("a cat", provider=provider, model="flux")

    assert provider.calls[0].model == "flux-2"


def test_a_picture_shown_in_a_text_is_one():
    provider = ScriptedProvider("Here it is: ", f"![a cat]({data_uri(png())})")

    assert generate_images("a cat", provider=provider)[0].data == png()


def test_of_several_pictures_the_first_good_one_is_taken(files):
    files.replies(Reply.status(200, PAGE, content_type="text/html"), Reply.status(200, png()))

    image = generate_images("a cat", provider=drawing(f"{files.root}/a.png", f"{files.root}/b.png"), limits=ALLOWED)[0]

    assert image.url == f"{files.root}/b.png"


def test_a_routes_files_are_fetched_through_its_proxy(loopback):
    loopback.replies(Reply.status(200, png()))
    route = Route(drawing("http://pictures.example/a.png"), proxy=loopback.root)

    assert generate_images("a cat", routes=[route])[0].data == png()
    assert loopback.requests[0].path == "http://pictures.example/a.png"


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.png", "http://localhost/a.png", "http://10.0.0.1/a.png"])
def test_no_proxy_makes_a_private_address_public(loopback, url):
    with pytest.raises(errors.IntegrationError, match="private network"):
        generate_images("a cat", routes=[Route(drawing(url), proxy=loopback.root)], resilience=QUICK)

    assert loopback.requests == []


def test_nothing_goes_around_a_proxy_that_cannot_be_used():
    route = Route(drawing("http://pictures.example/a.png"), proxy="socks5://127.0.0.1:9")

    with pytest.raises(errors.IntegrationError, match="proxy of the kind 'socks5'"):
        generate_images("a cat", routes=[route], resilience=QUICK)


@pytest.mark.parametrize("piece", ["![", "![a](", "<img ", "<img src='http://", "data:", '<video src="/media/'])
def test_endless_beginnings_of_pictures_are_none(piece):
    assert links_in(piece * 50_000) == []


# Rotation


@pytest.mark.parametrize("lie", LIES)
def test_a_failing_and_a_lying_endpoint_are_passed_over_for_a_good_one(lie):
    with LoopbackServer() as failing, LoopbackServer() as lying, LoopbackServer() as right:
        failing.replies(Reply.json({"error": {"message": "boom"}}, 500))
        lying.replies(LIES[lie]())
        right.replies(GOOD)
        routes = [Endpoint(server.base_url, "m") for server in (failing, lying, right)]

        (image,) = generate_images("a cat", routes=routes, resilience=QUICK)

    assert image.data == png()
    assert len(outcomes(image)) == 3
    assert outcomes(image)[-1] == "ok"
    assert "ok" not in outcomes(image)[:2]


@pytest.mark.parametrize("lie", LIES)
def test_an_address_that_leads_to_a_lie_is_passed_over(files, lie):
    files.replies(LIES[lie]())
    failing = ScriptedProvider(ConnectionError("boom"))

    (image,) = generate_images(
        "a cat", routes=[failing, drawing(f"{files.root}/a.png"), good()], resilience=QUICK, limits=ALLOWED
    )

    assert image.data == png()
    assert len(outcomes(image)) == 3


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ([NOTICE], "overloaded"),
        ([PAGE], "blocked"),
        ([""], "empty"),
        ([], "empty"),
        (["I am sorry, but I cannot draw."], "invalid"),
        ([ImageResponse("/media/never-written.png", "x")], "invalid"),
        ([ImageResponse(data_uri(mp3(), "image/png"), "x")], "invalid"),
        ([ImageResponse("data:image/png;base64,!!!", "x")], "invalid"),
        ([ImageResponse("file:///etc/passwd", "x")], "invalid"),
    ],
)
def test_a_lying_provider_is_passed_over(script, outcome):
    lying, right = ScriptedProvider(*script), good()

    (image,) = generate_images("a cat", routes=[lying, right], resilience=QUICK)

    assert outcomes(image) == [outcome, "ok"]
    assert image.metadata["attempts"][0]["provider"] == lying.__name__


def test_when_all_fail_the_error_tells_every_attempt():
    lying, failing = ScriptedProvider(PAGE), ScriptedProvider(ConnectionError("boom"))

    with pytest.raises(errors.RoutesExhaustedError) as raised:
        generate_images("a cat", routes=[lying, failing], resilience=QUICK)

    assert [attempt.outcome for attempt in raised.value.attempts] == ["blocked", "network"]


def test_an_answer_without_an_end_is_no_picture():
    endless = ScriptedProvider(*["word " * 200_000] * 12, name="Endless")

    with pytest.raises(errors.ProviderUnavailableError, match="longer than"):
        generate_images("a cat", provider=endless, limits=DownloadLimits(max_bytes=1000), max_retries=0)


def test_a_route_that_hangs_costs_its_own_attempt_only():
    hanging, right = ScriptedProvider(stall(60)), good()

    (image,) = generate_images("a cat", routes=[hanging, right], resilience=Resilience(attempt_timeout=0.05))

    assert outcomes(image) == ["timeout", "ok"]


def test_a_file_that_hangs_costs_its_own_attempt_only(files):
    files.replies(Reply.body(b"\x89PNG", Stall(), content_type="image/png"))

    (image,) = generate_images(
        "a cat",
        routes=[drawing(f"{files.root}/a.png"), good()],
        resilience=Resilience(attempt_timeout=0.05),
        limits=ALLOWED,
    )

    assert outcomes(image) == ["timeout", "ok"]


async def test_cancelling_closes_what_is_under_way(loopback):
    loopback.replies(Reply.body(b"{", Stall(), content_type="application/json"))
    task = asyncio.ensure_future(agenerate_images("a cat", base_url=loopback.base_url))
    assert await asyncio.to_thread(loopback.wait_for_requests)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(loopback.requests[0].client_left)


def test_no_key_is_shown_by_an_error(loopback):
    loopback.replies(Reply.json({"error": {"message": "Wrong key: key-123456"}}, 401))

    with pytest.raises(errors.AuthenticationError) as raised:
        generate_images("a cat", base_url=loopback.base_url, api_key="key-123456")

    assert "key-123456" not in f"{raised.value} {raised.value.attempts}"


# Several


def test_several_pictures_are_made_side_by_side_with_seeds_that_count_up():
    provider = good()

    images = generate_images("a cat", n=3, seed=5, provider=provider)

    assert len(images) == 3
    assert sorted(call.seed for call in provider.calls) == [5, 6, 7]


def test_one_of_several_that_fails_fails_the_call_and_leaves_nothing(tmp_path):
    provider = ScriptedProvider(per_call=[[ImageResponse(data_uri(png()), "x")], [PAGE]])

    with pytest.raises(errors.IntegrationError):
        generate_images(
            "a cat", n=2, provider=provider, response_format="path", save_dir=tmp_path / "out", resilience=QUICK
        )

    assert not (tmp_path / "out").exists()


# What comes back


def test_the_picture_is_saved_under_a_name_that_is_made_of_its_contents(tmp_path):
    images = generate_images("../../evil", provider=good(), response_format="path", save_dir=tmp_path / "a" / "b")

    (saved,) = (tmp_path / "a" / "b").iterdir()
    assert images[0].path == saved
    assert saved.read_bytes() == png()
    assert saved.name.startswith("image-")
    assert saved.suffix == ".png"


def test_no_name_is_taken_from_a_server(files, tmp_path):
    headers = {"Content-Disposition": 'attachment; filename="../../evil.sh"'}
    files.replies(Reply.status(200, png(), headers=headers))

    generate_images(
        "x",
        provider=drawing(f"{files.root}/..%2f..%2fevil.sh"),
        response_format="path",
        save_dir=tmp_path,
        limits=ALLOWED,
    )

    assert [path.suffix for path in tmp_path.rglob("*")] == [".png"]


def test_a_url_is_given_even_where_the_route_sent_bytes():
    assert generate_images("x", provider=good())[0].url == data_uri(png())
    assert generate_images("x", provider=good(), response_format="bytes")[0].url is None


def test_a_pictures_repr_shows_neither_its_bytes_nor_the_secrets_of_its_address():
    image = GeneratedImage(data=png(), mime_type="image/png", url="https://u:pw@h.example/a.png?token=abc")

    assert "abc" not in repr(image)
    assert "pw" not in repr(image)
    assert "IHDR" not in repr(image)


# Arguments


@pytest.mark.parametrize(
    "arguments",
    [
        {"seed": "seven"},
        {"extra": 5},
        {"save_dir": b"folder"},
        {"prompt": ""},
        {"prompt": None},
        {"size": "huge"},
        {"size": "64x32", "width": 64, "height": 32},
        {"width": 64},
        {"width": 64, "height": -1},
        {"aspect_ratio": "wide"},
        {"aspect_ratio": "0:1"},
        {"n": 0},
        {"n": 101},
        {"n": True},
        {"response_format": "tiff"},
        {"response_format": "path"},
        {"unknown": 1},
        {"base_url": "http://127.0.0.1:1/v1", "routes": ["X:y"]},
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_sent(arguments):
    provider = good()
    routing = {} if "routes" in arguments else {"provider": provider}

    with pytest.raises(errors.ConfigurationError):
        generate_images(**{"prompt": "a cat", **routing, **arguments})

    assert provider.calls == []


def test_an_aspect_ratio_becomes_a_size_for_endpoints_and_stays_one_for_providers(loopback):
    loopback.replies(GOOD)
    provider = good()

    generate_images("a cat", base_url=loopback.base_url, aspect_ratio="16:9")
    generate_images("a cat", provider=provider, aspect_ratio="16:9")

    assert loopback.requests[0].body["size"] == "1024x576"
    assert provider.calls[0].aspect_ratio == "16:9"


def test_the_environments_endpoint_serves_where_nobody_is_named(loopback, monkeypatch):
    monkeypatch.setenv("G4F_BASE_URL", loopback.base_url)
    loopback.replies(GOOD)

    assert generate_images("a cat")[0].data == png()


# Variations and edits


def test_a_variation_is_a_form_with_the_picture(loopback):
    loopback.replies(GOOD)

    create_variation(png(9, 9), base_url=loopback.base_url, model="m", size="64x64")

    asked = loopback.requests[0]
    assert asked.path == "/v1/images/variations"
    fields = form_of(asked)
    assert fields["image"] == ('form-data; name="image"; filename="image.png"', png(9, 9))
    assert fields["model"][1] == b"m"
    assert fields["size"][1] == b"64x64"
    assert "prompt" not in fields


def test_an_edit_is_a_form_with_pictures_and_a_mask(loopback):
    loopback.replies(GOOD)

    edit_image([png(1, 1), png(2, 2)], "make it red", mask=png(3, 3), base_url=loopback.base_url)

    asked = loopback.requests[0]
    assert asked.path == "/v1/images/edits"
    assert asked.raw.count(b'name="image[]"') == 2
    assert form_of(asked)["mask"][1] == png(3, 3)
    assert form_of(asked)["prompt"][1] == b"make it red"


def test_a_provider_gets_the_picture_as_media():
    provider = good()

    edit_image(png(9, 9), "make it red", routes=[Route(provider)])

    ((picture, name),) = provider.calls[0].media
    assert (picture, name) == (data_uri(png(9, 9)), "image.png")
    assert provider.calls[0].prompt == "make it red"


def test_failing_and_lying_routes_are_passed_over_for_an_edit(loopback):
    loopback.replies(Reply.status(200, PAGE, content_type="text/html"))
    routes = [ScriptedProvider(ConnectionError("boom")), Endpoint(loopback.base_url, "m"), good()]

    for image in (*edit_image(png(), "red", routes=routes), *create_variation(png(), routes=routes)):
        assert image.data == png()
        assert image.provider == routes[-1].__name__


async def test_edits_and_variations_are_made_inside_an_event_loop_too():
    provider = good()

    (edited,) = await aedit_image(png(9, 9), "make it red", provider=provider)
    (varied,) = await acreate_variation(png(9, 9), provider=provider)

    assert (edited.data, varied.data) == (png(), png())
    assert [call.media[0][0] for call in provider.calls] == [data_uri(png(9, 9))] * 2


def form_of(request):
    """The fields of a form: their header and their bytes, by name."""
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    fields = {}
    for part in request.raw.split(b"--" + boundary)[1:-1]:
        head, _, data = part[2:-2].partition(b"\r\n\r\n")
        line = head.decode().split("\r\n")[0].removeprefix("Content-Disposition: ")
        fields[line.split('name="')[1].partition('"')[0]] = (line, data)
    return fields


def test_the_metadata_are_plain_data():
    image = generate_images("x", provider=good())[0]

    assert json.loads(json.dumps(image.metadata))["attempts"][0]["outcome"] == "ok"
