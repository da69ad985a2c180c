import asyncio
import copy
import pickle
import threading

import pytest

from g4f_integrations.core.media import GeneratedImage, GeneratedSpeech, Segment, Transcription
from g4f_integrations.core.media.saving import place_for, save_results
from toy_media import base64_of, gif, mp3, png


@pytest.fixture
def image():
    return GeneratedImage(data=png(), mime_type="image/png", width=3, height=2, provider="P", model="m")


def test_a_result_is_saved_to_a_path_whose_folders_are_made(image, tmp_path):
    path = image.save(tmp_path / "a" / "b" / "c.png")

    assert path == tmp_path / "a" / "b" / "c.png"
    assert path.read_bytes() == png()


def test_a_folder_gets_a_name_that_is_made_of_the_contents(image, tmp_path):
    first, again = image.save(tmp_path), image.save(str(tmp_path))
    fresh = image.save(f"{tmp_path}/new/")

    assert first == again
    assert first.name.endswith(".png")
    assert fresh.parent == tmp_path / "new"


async def test_saving_works_off_the_loop(image, tmp_path):
    assert (await image.asave(tmp_path / "a.png")).exists()


def test_what_cannot_be_written_leaves_nothing_half(image, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "a.png").mkdir()
    (tmp_path / "taken" / "a.png" / "inside").touch()
    from g4f_integrations.core.media.saving import write_whole

    with pytest.raises(OSError):
        write_whole(image.data, tmp_path / "taken" / "a.png")

    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["a.png"]


def test_notebooks_are_given_what_they_can_show(image):
    assert image._repr_png_() == png()
    assert image._repr_jpeg_() is None
    assert image._repr_html_() is None
    moving = GeneratedImage(data=gif(), mime_type="image/gif")
    assert moving._repr_html_() == f'<img src="data:image/gif;base64,{base64_of(gif())}" alt="">'


def test_notebooks_are_spared_giant_files():
    speech = GeneratedSpeech(data=mp3(9 * 1024 * 1024), mime_type="audio/mpeg")

    assert speech._repr_html_() is None


def test_a_transcript_is_shown_as_text_and_not_as_markup():
    assert "<script>" not in Transcription(text="<script>")._repr_html_()
    assert "<script>" not in Transcription(text="x", segments=[Segment(0, 1, "<script>")])._repr_html_()


def test_results_copy_and_pickle(image):
    assert pickle.loads(pickle.dumps(image)) == copy.deepcopy(image) == image


def test_markup_in_a_media_type_is_shown_as_text():
    made = GeneratedImage(data=gif(), mime_type='image/gif"><script>')

    assert "<script>" not in made._repr_html_()


# Several at once


def pictures(count):
    return [GeneratedImage(data=png(shade=shade), mime_type="image/png") for shade in range(count)]


async def test_where_one_cannot_be_saved_none_is(tmp_path):
    first, second = pictures(2)
    second.save(tmp_path).unlink()
    blocked = place_for(tmp_path, second.data, "image", ".png")
    blocked.mkdir()

    with pytest.raises(OSError):
        await save_results([first, second], tmp_path)

    assert list(tmp_path.iterdir()) == [blocked]


async def test_what_was_there_before_stays_where_one_cannot_be_saved(tmp_path):
    first, second = pictures(2)
    before = first.save(tmp_path)
    place_for(tmp_path, second.data, "image", ".png").mkdir()

    with pytest.raises(OSError):
        await save_results([first, second], tmp_path)

    assert before.read_bytes() == first.data


async def test_a_call_that_is_cancelled_while_it_saves_leaves_nothing(tmp_path):
    begun, released = threading.Event(), threading.Event()

    class Slow(type(tmp_path)):
        def mkdir(self, *arguments, **options):
            begun.set()
            released.wait(5)

    saving = asyncio.create_task(save_results(pictures(3), Slow(tmp_path)))
    await asyncio.to_thread(begun.wait, 5)
    saving.cancel()
    asyncio.get_running_loop().call_later(0.01, released.set)

    with pytest.raises(asyncio.CancelledError):
        await saving
    assert list(tmp_path.iterdir()) == []
