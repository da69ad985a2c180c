import pytest
from hypothesis import given
from hypothesis import strategies as st

from g4f_integrations import Endpoint, Resilience, errors
from g4f_integrations.core.media import Segment, synthesize_speech, transcribe
from g4f_integrations.core.media.subtitles import read_subtitles, to_srt, to_vtt
from g4f_integrations.testing import ScriptedProvider
from loopback import LoopbackServer, Reply
from toy_media import LIES, NOTICE, PAGE, mp3, png, wav
from unit_tests.core.media.test_images import form_of

QUICK = Resilience(backoff_initial=0, attempts_per_route=1)
SRT = "1\n00:00:00,000 --> 00:00:01,500\nGood evening.\n\n2\n00:01:02,000 --> 01:00:03,250\nGood night.\n"
SEGMENTS = (Segment(0.0, 1.5, "Good evening."), Segment(62.0, 3603.25, "Good night."))
VERBOSE = {
    "text": "Good evening. Good night.",
    "language": "english",
    "duration": 3604.0,
    "segments": [{"id": n, **one._asdict(), "text": f" {one.text}"} for n, one in enumerate(SEGMENTS)],
}


def text(said="Good evening."):
    return Reply.json({"text": said})


def outcomes(heard):
    return [attempt.outcome for attempt in heard.attempts]


def test_an_endpoint_gets_a_form_with_the_recording(loopback):
    loopback.replies(Reply.json({"text": " Good evening. ", "model": "whisper-2"}))

    heard = transcribe(wav(), base_url=loopback.base_url, model="whisper", language="en", prompt="Vik", temperature=0.2)

    asked = loopback.requests[0]
    fields = form_of(asked)
    assert asked.path == "/v1/audio/transcriptions"
    assert fields["file"] == ('form-data; name="file"; filename="file.wav"', wav())
    assert b"Content-Type: audio/wav" in asked.raw
    told = {name: data.decode() for name, (_, data) in fields.items() if name != "file"}
    assert told == {
        "model": "whisper", "language": "en", "prompt": "Vik", "temperature": "0.2", "response_format": "json",
    }  # fmt: skip
    assert (heard.text, heard.model, str(heard)) == ("Good evening.", "whisper-2", "Good evening.")


@pytest.mark.parametrize(
    ("response_format", "reply"),
    [
        ("segments", Reply.json(VERBOSE)),
        ("srt", Reply.status(200, SRT, content_type="text/plain")),
        ("srt", Reply.json({"text": SRT})),
        ("srt", Reply.json(VERBOSE)),
        ("vtt", Reply.status(200, to_vtt(SEGMENTS), content_type="text/vtt")),
    ],
)
def test_times_are_read_from_whatever_form_they_come_in(loopback, response_format, reply):
    loopback.replies(reply)

    heard = transcribe(mp3(), base_url=loopback.base_url, response_format=response_format)

    assert heard.segments == SEGMENTS
    assert heard.text == "Good evening. Good night."
    assert heard.to_srt() == SRT
    assert read_subtitles(heard.to_vtt()) == list(SEGMENTS)


def test_a_route_without_times_is_passed_over_where_they_are_wanted(loopback):
    with LoopbackServer() as other:
        loopback.replies(text())
        other.replies(Reply.json(VERBOSE))

        heard = transcribe(mp3(), routes=[loopback.base_url, other.base_url], response_format="srt", resilience=QUICK)

    assert heard.segments == SEGMENTS
    assert "without times" in heard.attempts[0].error


def test_a_transcript_without_times_makes_no_subtitles(loopback):
    loopback.replies(text())
    heard = transcribe(mp3(), base_url=loopback.base_url)

    with pytest.raises(ValueError, match="no times"):
        heard.to_vtt()


def test_a_provider_gets_the_recording_as_media():
    provider = ScriptedProvider("Good ", "evening.")

    heard = transcribe(wav(), provider=provider, language="en")

    ((file, name),) = provider.calls[0].media
    assert (file.getvalue(), name) == (wav(), "file.wav")
    assert provider.calls[0].language == "en"
    assert (heard.text, heard.language) == ("Good evening.", "en")


def test_speech_goes_straight_back_into_words(loopback):
    loopback.replies(Reply.status(200, mp3(), content_type="audio/mpeg"), text())
    speech = synthesize_speech("Good evening.", base_url=loopback.base_url)

    assert transcribe(speech, base_url=loopback.base_url).text == "Good evening."


@pytest.mark.parametrize("lie", LIES)
def test_a_failing_and_a_lying_endpoint_are_passed_over_for_a_good_one(lie):
    with LoopbackServer() as failing, LoopbackServer() as lying, LoopbackServer() as right:
        failing.replies(Reply.json({"error": {"message": "boom"}}, 500))
        lying.replies(LIES[lie]())
        right.replies(text())
        routes = [Endpoint(server.base_url, "m") for server in (failing, lying, right)]

        heard = transcribe(mp3(), routes=routes, resilience=QUICK)

    assert heard.text == "Good evening."
    assert len(outcomes(heard)) == 3
    assert "ok" not in outcomes(heard)[:2]


@pytest.mark.parametrize(
    "script", [[NOTICE], [PAGE], [], ["  "], [ConnectionError("boom")], ['{"error": "Rate limit exceeded"}']]
)
def test_a_lying_provider_is_passed_over(script):
    routes = [ScriptedProvider(*script), ScriptedProvider("Good evening.")]

    assert transcribe(mp3(), routes=routes, resilience=QUICK).text == "Good evening."


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        (b"", "empty"),
        (png(), "image/png came"),
        (b"hello", "a text"),
        ("/etc/passwd", "never taken for a path"),
        ("file:///etc/passwd", "not file://"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_recording_is_refused_before_anything_is_sent(file, complaint):
    provider = ScriptedProvider("Good evening.")

    with pytest.raises(errors.ConfigurationError, match=complaint):
        transcribe(file, provider=provider)

    assert provider.calls == []


def test_a_recording_may_be_a_page_that_redirects_nowhere_good(loopback):
    from g4f_integrations.core.media import DownloadLimits

    loopback.replies(Reply.status(200, PAGE, content_type="text/html"))

    with pytest.raises(errors.ConfigurationError, match="a page"):
        transcribe(
            f"{loopback.root}/a.mp3", provider=ScriptedProvider("Hi."), limits=DownloadLimits(allow_private=True)
        )
    with pytest.raises(errors.ConfigurationError, match="private network"):
        transcribe(f"{loopback.root}/a.mp3", provider=ScriptedProvider("Hi."))


def test_a_transcript_is_saved_by_the_ending_of_its_name(loopback, tmp_path):
    loopback.replies(Reply.json(VERBOSE))
    heard = transcribe(mp3(), base_url=loopback.base_url, response_format="segments")

    assert heard.save(tmp_path / "a.srt").read_text() == SRT
    assert heard.save(tmp_path / "a.vtt").read_text().startswith("WEBVTT")
    assert heard.save(tmp_path / "a.txt").read_text() == heard.text


segments = st.builds(
    Segment,
    st.integers(0, 35_999_999).map(lambda ms: ms / 1000),
    st.integers(0, 35_999_999).map(lambda ms: ms / 1000),
    st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="<>-"), min_size=1, max_size=20),
)


@given(st.lists(segments, max_size=5))
def test_subtitles_can_be_read_back(rows):
    assert read_subtitles(to_srt(rows)) == rows
    assert read_subtitles(to_vtt(rows)) == rows


@given(st.text(max_size=200))
def test_no_text_hides_the_subtitle_behind_it(words):
    found = read_subtitles(words + "\n00:00:00,000 --> " + words + "\n\n00:00:01,000 --> 00:00:02,000\nThe end.")

    assert found[-1] == Segment(1.0, 2.0, "The end.")


def test_somebody_has_to_be_named(monkeypatch):
    monkeypatch.delenv("G4F_BASE_URL", raising=False)
    with pytest.raises(errors.ConfigurationError, match="nobody is known"):
        transcribe(mp3())
