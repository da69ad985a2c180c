"""Requests over an open connection: like the client's own in all that a server sees, and none where the client is due."""

import asyncio
import contextlib
import datetime as dt
import functools
import gc
import json
import re
import ssl

import aiohttp
import pytest
from yarl import URL

from g4f_integrations.core import sessions
from g4f_integrations.core.endpoint import _at_hand
from g4f_integrations.core.events import TextDelta
from g4f_integrations.core.failures import HTTPFailure, StreamCut
from g4f_integrations.core.sessions import close_sessions, open_session
from loopback import CUT, Reply, Stall, completion
from unit_tests.core.calls import batches, candidate, events

pytestmark = pytest.mark.skipif(
    not _at_hand._is_known, reason="this version of aiohttp lends connections in another way: it makes all requests"
)
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()
HEADERS = {"content-type": "application/json", "accept": "application/json"}


async def post(server, *, session=None, headers=None, body=BODY):
    """One request over a connection at hand; the reply, if there was one."""
    url = URL(f"{server.base_url}/chat/completions")
    return await _at_hand.post(session or await open_session(), url, True, {**HEADERS, **(headers or {})}, body)


def in_use(session):
    """The connections that the pool believes to be lent."""
    return len(session.connector._acquired)


@pytest.fixture(autouse=True)
async def at_hand(loopback):
    """An open connection to the server, and no trace of how it came."""
    await events(loopback, stream=False)
    loopback.requests.clear()


async def test_an_answer_comes_over_the_open_connection_and_leaves_it_open(loopback):
    for _ in range(3):
        reply = await post(loopback)
        assert reply.status == 200
        assert json.loads(await reply.content.read())["choices"]
        assert reply.content_length > 0
        reply.close()
        reply.close()

    assert {request.connection for request in loopback.requests} == {0}
    assert in_use(await open_session()) == 0


@pytest.mark.parametrize(
    "headers", [{}, {"User-Agent": "mine", "X-Empty": ""}, {"Accept-Encoding": "identity", "x-name": "Grüße"}]
)
async def test_a_server_sees_the_same_request_whoever_makes_it(loopback, monkeypatch, headers):
    await events(loopback, stream=False, headers=headers)
    monkeypatch.setattr(_at_hand, "_is_known", False)
    await events(loopback, stream=False, headers=headers)

    mine, clients = loopback.requests
    assert (mine.method, mine.path, mine.headers, mine.raw) == (
        clients.method,
        clients.path,
        clients.headers,
        clients.raw,
    )


async def test_nothing_is_sent_where_no_connection_is_open(loopback):
    await sessions.close_sessions()

    assert await post(loopback) is None
    assert loopback.requests == []


@pytest.mark.parametrize(
    "unusual",
    [
        {"body": b"x" * 65_537},
        {"headers": {"expect": "100-continue"}},
        {"headers": {"connection": "close"}},
        {"headers": {"host": "other.test"}},
    ],
    ids=lambda options: str(options)[:30],
)
async def test_the_client_is_left_what_is_unusual(loopback, unusual):
    assert await post(loopback, **unusual) is None
    assert loopback.requests == []
    assert in_use(await open_session()) == 0


async def test_a_session_that_somebody_follows_is_the_clients(loopback):
    seen = []

    async def note(*told):
        seen.append(told)

    following = aiohttp.TraceConfig()
    following.on_request_start.append(note)
    mine = await open_session()
    async with aiohttp.ClientSession(
        connector=mine.connector, connector_owner=False, trace_configs=[following]
    ) as session:
        assert await post(loopback, session=session) is None


@pytest.mark.parametrize("name", ["_request", "request"])
async def test_whoever_replaces_the_clients_requests_gets_them_all(loopback, monkeypatch, name):
    """As the tools do that record answers, or invent them."""
    asked = []

    @functools.wraps(getattr(aiohttp.ClientSession, name))
    def recorded(self, method, url, **options):
        asked.append(url)
        return original(self, method, url, **options)

    original = getattr(aiohttp.ClientSession, name)
    monkeypatch.setattr(aiohttp.ClientSession, name, recorded)

    assert TextDelta("Hi") in await events(loopback, stream=False)
    assert len(asked) == 1
    assert not _at_hand._is_known_client()  # nor would it be if they had come before us


async def test_whoever_reads_on_in_a_closed_answer_does_not_wait(loopback):
    loopback.replies(Reply.sse(b": ping\n\n", Stall()))
    reply = await post(loopback)
    await reply.content.readany()

    reply.close()

    with pytest.raises(aiohttp.ClientConnectionError):
        await reply.content.readany()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_an_answer_that_is_dropped_frees_its_place(loopback):
    loopback.replies(Reply.sse(b": ping\n\n", Stall()))
    reply = await post(loopback)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # which hears of it

    del reply

    gc.collect()
    assert await asyncio.to_thread(loopback.wait_until_left)
    assert in_use(await open_session()) == 0


def head(first, *lines):
    return "\r\n".join([first, *lines, "", ""]).encode()


WHOLE = json.dumps(completion("Hello")).encode()
LENGTH = f"content-length: {len(WHOLE)}"


@pytest.mark.parametrize(
    "steps",
    [
        (head("HTTP/1.0 200 OK", LENGTH), WHOLE),
        (head("HTTP/1.0 200 OK", LENGTH, "connection: keep-alive"), WHOLE),
        (head("HTTP/1.0 200 OK"), WHOLE, CUT),
        (head("HTTP/1.1 200 OK", LENGTH, "connection: close"), WHOLE),
        (head("HTTP/1.1 200 OK", LENGTH), WHOLE[:9], Stall(0.001), WHOLE[9:]),
        (head("HTTP/1.1 200 OK", LENGTH) + WHOLE + b"\r\n",),
        (head("HTTP/1.1 200 OK", LENGTH, LENGTH) + WHOLE,),
        (head("HTTP/1.1 200 OK", LENGTH, "transfer-encoding: chunked") + WHOLE,),
        (head("HTTP/1.1 200 OK", "transfer-encoding: chunked"), b"%x\r\n%b\r\n0\r\nx: y\r\n\r\n" % (len(WHOLE), WHOLE)),
        (head("HTTP/1.1 200 OK", "content-encoding: gzip", "transfer-encoding: chunked"), b"4\r\nnone\r\n0\r\n\r\n"),
        (head("HTTP/1.1 200 OK", "content-length: 0"),),
        (head("HTTP/1.1 204 No Content"),),
        (head("HTTP/1.1 204 No Content", "content-length: 2") + b"{}",),
        (head("HTTP/1.1 304 Not Modified", "content-length: 2"),),
        (head("HTTP/1.1 400 Bad", "content-length: 2"), b"{}"),
        (head("HTTP/1.1 500 Bad", "content-length: 3"), b"{}", CUT),
        (head("HTTP/1.1 200 OK", *(f"x-{n}: y" for n in range(200)), LENGTH), WHOLE),
        (head("HTTP/1.1 200 OK", LENGTH, "x-\x0bname: y"), WHOLE),
    ],
)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
async def test_a_connection_is_kept_and_left_as_the_client_does(loopback, monkeypatch, steps, stream):
    told = []
    for known in (True, False):
        await close_sessions()
        monkeypatch.setattr(_at_hand, "_is_known", known)
        loopback.replies(Reply.chat("before"), Reply(steps), Reply.chat("after"))
        await events(loopback)
        before = loopback.connections
        told.append([str(await outcome(loopback, stream)), str(await outcome(loopback, stream))])
        told[-1].append(loopback.connections - before)

    assert told[0] == told[1]
    assert in_use(await open_session()) == 0


async def outcome(server, stream):
    """What a call gives, be it an error."""
    try:
        return await events(server, stream=stream)
    except (HTTPFailure, OSError, aiohttp.ClientError, StreamCut) as error:
        return type(error), error


# Encrypted


@pytest.fixture
async def encrypted(tmp_path):
    """A server with a certificate of its own making; its address."""
    served = []

    async def serve(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                top = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(re.search(rb"content-length: (\d+)", top.lower())[1]))
                writer.write(head("HTTP/1.1 200 OK", LENGTH) + WHOLE)
                served.append(writer)
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_certificate(tmp_path))
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", served
        await close_sessions()
    assert served


def own_certificate(folder):
    """A file with a key and a certificate that nobody vouches for."""
    pytest.importorskip("cryptography", reason="`cryptography`, which makes a certificate, is not installed")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    kind = serialization.PrivateFormat.PKCS8
    path = folder / "own.pem"
    path.write_bytes(key.private_bytes(pem, kind, serialization.NoEncryption()) + certificate.public_bytes(pem))
    return path


async def test_an_encrypted_connection_is_used_again_and_only_by_those_who_check_it_alike(encrypted):
    base_url, served = encrypted
    trusting, checking = (candidate(base_url, verify=verify) for verify in (False, True))
    for stream in (False, True, False):
        assert await batches(trusting, stream=stream)

    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await batches(checking)

    assert len(set(served)) == 1
    assert await batches(trusting)
    assert len(set(served)) == 1


async def test_what_comes_before_the_answer_is_passed_over(loopback):
    early = b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    whole = Reply.json(completion("Hello"))
    loopback.replies(Reply((early, *whole.steps)))

    reply = await post(loopback)

    assert reply.status == 200
    reply.close()


async def test_an_answer_before_the_request_was_taken_is_understood_and_its_connection_closed(loopback, monkeypatch):
    reply = await post(loopback)
    await reply.content.read()
    protocol = reply._connection.protocol
    monkeypatch.setattr(type(protocol.transport), "get_write_buffer_size", lambda self: 7)

    reply.close()

    assert await asyncio.to_thread(loopback.wait_until_left)
    assert in_use(await open_session()) == 0


@pytest.mark.parametrize("rest", [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b"junk"])
async def test_a_connection_with_something_left_on_it_serves_nobody_else(loopback, rest):
    whole = Reply.json(completion("Hello"))
    loopback.replies(Reply((whole.steps[0] + whole.steps[1] + rest,)), Reply.json(completion("next")))

    try:
        assert TextDelta("Hello") in await events(loopback, stream=False)
    except ConnectionError:
        assert rest == b"junk"  # is no HTTP
    assert TextDelta("next") in await events(loopback, stream=False)


@pytest.mark.parametrize(
    "steps",
    [
        (CUT,),
        (b"HTTP/1.1 ",),
        (b"SSH-2.0-OpenSSH\r\n",),
        (b"HTTP/1.1 200 OK\r\ncontent-length: nine\r\n\r\n{}",),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + b"\r\n\r\n{}",),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",),
    ],
    ids=["cut", "half a line", "no http", "bad length", "long header", "switching"],
)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
async def test_what_is_no_answer_fails_as_it_does_with_the_client(loopback, monkeypatch, steps, stream):
    told = []
    for known in (True, False):
        loopback.replies(Reply.chat("a"))
        await events(loopback)
        monkeypatch.setattr(_at_hand, "_is_known", known)
        loopback.replies(Reply.raw(*steps))
        with pytest.raises(Exception) as caught:
            await events(loopback, stream=stream)
        told.append((type(caught.value), str(caught.value)))

    assert told[0] == told[1]
    assert in_use(await open_session()) == 0


async def test_a_cancelled_request_frees_its_place(loopback):
    loopback.replies(Reply.raw(Stall()))
    asked = asyncio.create_task(post(loopback))
    assert await asyncio.to_thread(loopback.wait_for_requests)

    asked.cancel()
    await asyncio.wait([asked])

    assert asked.cancelled()
    assert await asyncio.to_thread(loopback.requests[0].client_left)
    assert in_use(await open_session()) == 0


async def test_many_at_once_never_share_a_connection(loopback):
    loopback.replies(lambda request: Reply.json(completion(request.body["messages"][0]["content"])))

    async def ask(number):
        reply = await post(loopback, body=json.dumps({"messages": [{"content": f"n{number}"}]}).encode())
        if reply is None:
            return None
        text = json.loads(await reply.content.read())["choices"][0]["message"]["content"]
        reply.close()
        return text == f"n{number}"

    await asyncio.gather(*(events(loopback, stream=False) for _ in range(10)))
    answers = await asyncio.gather(*(ask(number) for number in range(30)))

    assert answers.count(True) >= 10
    assert False not in answers
