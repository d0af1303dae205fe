"""A plan made final: what its searches found, where its code ran, and whole citations of both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from playground.openai.containers import Container
from playground.openai.errors import JsonObject
from playground.openai.plan import Found, Interpret, Plan, Say, Search

# Runs code that makes these files: the container, with them in it.
Run = Callable[[Mapping[str, bytes]], Container]


def settled(plan: Plan, found: Sequence[Found], run: Run) -> Plan:
    """The plan with ids in place: searches without results get `found`, code gets its container, citations both."""
    results: dict[str, str] = {}  # name → file id
    container: Container | None = None
    outputs = list(plan.outputs)
    for n, output in enumerate(outputs):
        match output:
            case Search():
                passages = tuple(found) if output.results is None else output.results
                outputs[n] = replace(output, results=passages)
                results |= {passage.filename: passage.file_id for passage in passages}
            case Interpret():
                container = run(output.made)
                outputs[n] = replace(output, container_id=container.id)
            case Say(annotations=annotations):
                outputs[n] = replace(output, annotations=tuple(_whole(a, results, container) for a in annotations))
    return replace(plan, outputs=tuple(outputs))


def _whole(annotation: JsonObject, results: Mapping[str, str], container: Container | None) -> JsonObject:
    """An annotation with the ids behind its file's name; one that has its own is left alone."""
    if "file_id" in annotation:
        return annotation
    name = annotation.get("filename", "")
    if annotation["type"] == "file_citation":
        return annotation | {"file_id": results.get(name, f"file-{name}")}
    if annotation["type"] == "container_file_citation" and container is not None:
        made = next((file.id for file in container.files.values() if file.filename == name), "")
        return annotation | {"container_id": container.id, "file_id": made}
    return annotation
