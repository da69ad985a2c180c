"""Methods that tell their signature at once are methods in everything else."""

import inspect
import pickle
import re

import pytest

from g4f_integrations.core.signatures import Inspected


class Greeter:
    def __init__(self, word):
        self.word = word

    @Inspected
    def greet(self, name: str = "you", /, *more: int, mark: str = "!") -> str:
        """Say hello."""
        return f"{self.word} {name}{mark}{sum(more)}"

    @Inspected
    async def agreet(self, name: str) -> str:
        return f"{self.word} {name}"


class Polite(Greeter):
    def greet(self, *args, **kwargs):
        return super().greet(*args, **kwargs) + " please"


def test_the_signature_is_that_of_a_bound_method():
    assert str(inspect.signature(Greeter("Hi").greet)) == "(name: str = 'you', /, *more: int, mark: str = '!') -> str"


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), (("me",), {}), (("me", 1, 2), {}), (("me",), {"mark": "?"}), ((), {"name": "me"}), ((), {"nobody": 1})],
)
def test_arguments_are_bound_as_inspect_binds_them(args, kwargs):
    greeter = Greeter("Hi")
    plain = inspect.Signature([*inspect.signature(Greeter.greet).parameters.values()][1:])

    def bound(signature):
        try:
            return signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            return str(error)

    assert bound(inspect.signature(greeter.greet)) == bound(plain)


@pytest.mark.parametrize("args", [(), (1,), (1, 2), (1, 2, 3)])
def test_so_are_those_of_a_method_that_needs_some(args):
    class Adder:
        @Inspected
        def add(self, first, second=0, **more): ...

        @Inspected
        def add_marked(self, first, *, mark): ...

    for method in (Adder().add, Adder().add_marked):
        signature = inspect.signature(method)
        try:
            expected = inspect.Signature([*signature.parameters.values()]).bind(*args)
        except TypeError as error:
            with pytest.raises(TypeError, match=re.escape(str(error))):
                signature.bind(*args)
        else:
            assert signature.bind(*args).arguments == expected.arguments
            assert signature.bind(*args).signature == expected.signature


def test_a_signature_can_be_changed_and_travels():
    signature = inspect.signature(Greeter("Hi").greet)

    assert str(signature.replace(return_annotation=int)) == "(name: str = 'you', /, *more: int, mark: str = '!') -> int"
    assert pickle.loads(pickle.dumps(signature)) == signature


def test_the_class_gives_the_plain_function():
    assert inspect.isfunction(Greeter.greet)
    assert next(iter(inspect.signature(Greeter.greet).parameters)) == "self"


def test_instances_do_not_share_what_is_bound():
    first, second = Greeter("Hi").greet, Greeter("Ho").greet

    assert (first(), second("me", 1, mark="?")) == ("Hi you!0", "Ho me?1")


def test_a_subclass_calls_it_by_super():
    assert Polite("Hi").greet() == "Hi you!0 please"


def test_a_coroutine_function_is_still_known_as_one():
    assert inspect.iscoroutinefunction(Greeter("Hi").agreet)
    assert not inspect.iscoroutinefunction(Greeter("Hi").greet)


def test_it_tells_name_words_and_owner_as_bound_methods_do():
    greeter = Greeter("Hi")

    assert (greeter.greet.__name__, greeter.greet.__doc__) == ("greet", "Say hello.")
    assert greeter.greet.__self__ is greeter
    assert greeter.greet.__func__ is Greeter.greet


def test_bound_methods_are_equal_as_others_are():
    greeter = Greeter("Hi")

    assert greeter.greet == greeter.greet
    assert hash(greeter.greet) == hash(greeter.greet)
    assert greeter.greet != Greeter("Hi").greet


def test_a_bound_method_travels_with_its_owner():
    assert pickle.loads(pickle.dumps(Greeter("Hi").greet))() == "Hi you!0"
