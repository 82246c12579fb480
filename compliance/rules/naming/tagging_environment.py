"""The tag Environment is the environment that is judged."""

from compliance.aws.tags import is_taggable, tag_sets
from compliance.cfn.reading import possible_texts
from compliance.cfn.templates import Resource, TemplateSet
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, failed


def judge(resource: Resource, world: TemplateSet) -> Judgement:
    """Look at the tag Environment wherever it is set."""
    if not is_taggable(resource, world):
        return NOT_APPLICABLE
    seen = False
    for tags in tag_sets(resource):
        for key, value in tags.pairs:
            if key != "Environment":
                continue
            seen = True
            for text in possible_texts(value):
                if text != world.environment:
                    return failed(f"{tags.place} has Environment {text!r}; it must be {world.environment!r}")
    return PASSED if seen else NOT_APPLICABLE


RULE = Rule(
    title="The tag Environment is the environment that is judged",
    why="A production resource with another environment's tag is billed to it, and deleted with it.",
    fix="Take the tag's value from the settings of the environment, and never from a literal.",
    judge=judge,
)
