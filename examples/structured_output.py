"""An answer as an instance of your own class, from models that only write text.

Offline by default: a scripted provider stands in that gets it wrong first, as models do. With ``--real`` the question
goes to the free providers that g4f knows, over the internet: your prompt then reaches third parties. Do not send
secrets, respect the providers' terms; this project is not affiliated with g4f or with any provider, and g4f is licensed
under the GPL.

    python examples/structured_output.py
    python examples/structured_output.py --real "Give me a recipe for pancakes."
"""

from __future__ import annotations

import argparse

from langchain_core.exceptions import OutputParserException
from pydantic import BaseModel, Field, field_validator

from g4f_integrations import ChatG4F
from g4f_integrations.testing import ScriptedProvider


class Recipe(BaseModel):
    """A recipe."""

    name: str
    minutes: int = Field(description="Time that it takes, in minutes.")
    ingredients: list[str]

    @field_validator("ingredients")
    @classmethod
    def _are_some(cls, ingredients: list[str]) -> list[str]:
        if not ingredients:
            message = "name at least one ingredient"
            raise ValueError(message)
        return ingredients


def offline_model() -> ChatG4F:
    """A model over a scripted provider; nothing leaves this machine."""
    answers = [
        "I would love to! Pancakes are wonderful.",  # no JSON: asked again
        '{"name": "Pancakes", "minutes": "20", "ingredients": []}',  # refused by the class: asked again
        'Sure:\n```json\n{"name": "Pancakes", "minutes": "20", "ingredients": ["flour", "milk", "eggs",]}\n```',
    ]
    return ChatG4F(provider=ScriptedProvider(per_call=[[answer] for answer in answers], name="Cook"))


def main() -> None:
    """Ask for a recipe and print it, field by field."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="Give me a recipe for pancakes.")
    parser.add_argument("--real", action="store_true", help="ask real providers over the internet")
    options = parser.parse_args()

    model = ChatG4F() if options.real else offline_model()
    try:
        recipe = model.with_structured_output(Recipe).invoke(options.prompt)
    except OutputParserException as error:
        print(error)
        return
    print(f"{recipe.name}, {recipe.minutes} minutes: {', '.join(recipe.ingredients)}")


if __name__ == "__main__":
    main()
