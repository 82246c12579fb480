"""A function's runtime loads the function's own code and layers, and nothing else."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from compliance.aws.event_sources import FUNCTION
from compliance.aws.function_code import opened, packed
from compliance.cfn.reading import require_list, require_mapping, require_text
from compliance.cfn.references import is_known, named, render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.texts import Text, texts_in
from compliance.cfn.values import UnresolvedError, is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_FILES: Final = {
    "python": ("{}.py", "{}.pyc", "{}/__init__.py", "{}.so"),
    "nodejs": ("{}.js", "{}.mjs", "{}.cjs"),
    "ruby": ("{}.rb",),
}
"""The files that may hold a handler, by the beginning of the runtime's name."""
_LOADED: Final = re.compile(r"AWS_LAMBDA_EXEC_WRAPPER|BASH_ENV|DOTNET_STARTUP_HOOKS|LD_(AUDIT|PRELOAD)|PYTHONSTARTUP")
"""Variables that name what runs before the function's code, or in its process."""
_FOLLOWED: Final = re.compile(
    rf"{_LOADED.pattern}|LD_\w+|PATH|GCONV_PATH|OPENSSL_(CONF|ENGINES|MODULES)|SSL_CERT_(DIR|FILE)|\w*CA_BUNDLE"
    r"|AWS_(CONFIG_FILE|DATA_PATH|SHARED_CREDENTIALS_FILE)|LAMBDA_(RUNTIME_DIR|TASK_ROOT)"
    r"|NODE_(EXTRA_CA_CERTS|OPTIONS|PATH)|PYTHON(HOME|PATH|PLATLIBDIR|USERBASE)|(_JAVA|JAVA_TOOL|JDK_JAVA)_OPTIONS"
    r"|RUBY(LIB|OPT)|GEM_(HOME|PATH)|BUNDLE_(GEMFILE|PATH)|PERL5(LIB|OPT)|DOTNET_(ADDITIONAL_DEPS|SHARED_STORE)"
    r"|CORECLR_PROFILER_PATH\w*"
)
"""Variables by which a runtime, the dynamic linker or an SDK finds what it loads or trusts.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html, https://man7.org/linux/man-pages/man8/ld.so.8.html,
https://docs.python.org/3/using/cmdline.html#environment-variables, https://nodejs.org/api/cli.html#environment-variables
"""
_LAYER: Final = "AWS::Lambda::LayerVersion"
_CODE: Final = "/var/task"
_LAYERS: Final = "/opt"
_OF_RUNTIME: Final = (_CODE, "/var/runtime", "/var/lang", "/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc")
"""The code, and what AWS's image holds: a function can write none of it."""
_WRITTEN: Final = re.compile(r"-D[\w.]+=\S*|-XX:\w+=\S*|--(diagnostic|redirect|report)[\w-]*=\S*")
"""Options that name where something is written, or a property."""
_PLACE: Final = re.compile(r"data:\S*|\w+://\S*|(?<![\w.-])/[^\s:;,]*")
"""A URL, or an absolute path; what is relative is in the function's code."""
_SERVICE: Final = "POWERTOOLS_SERVICE_NAME"
_NO_TLS: Final = {"NODE_TLS_REJECT_UNAUTHORIZED": "0", "PYTHONHTTPSVERIFY": "0"}
_ANYTHING: Final = re.compile(r"\bimport \*|\brequire\b|\bexport \*|__getattr__|\$\{Fn::")
"""Ways of a module to offer names that its text does not hold, and a text that the template does not spell out."""


def _violations(function: Resource, world: TemplateSet) -> Iterator[str]:
    code = require_mapping(function.properties.get("Code"), "Code")
    asset, problem = packed(code, function, world)
    found = [
        packed(require_mapping(each.properties.get("Content"), "Content"), each, world)
        for each in _declared(function, world)
    ]
    yield from filter(None, (problem, *(wrong for _, wrong in found)))
    known = [layer for layer, _ in found if layer is not None]
    layers = known if len(known) == _layers(function) else None
    if not is_absent(code.get("ZipFile")):
        yield from _of_handler(function, render(code["ZipFile"], function.template), layers)
    elif asset is not None:
        yield from _of_handler(function, asset, layers)
    environment = require_mapping(function.properties.get("Environment"), "Environment")
    for text in texts_in(environment.get("Variables"), function.template):
        if _NO_TLS.get(text.name) == text.text:
            yield f"{text.name} is {text.text}, so no certificate is verified; remove it"
        if _FOLLOWED.fullmatch(text.name):
            yield from _of_variable(text, function, asset, layers)


def _of_handler(function: Resource, code: Path | str, layers: Sequence[Path] | None) -> Iterator[str]:
    """Yield a handler that an asset, inline code or a layer does not hold; nothing where what a layer holds is not known."""
    runtime = require_text(function.properties.get("Runtime"), "Runtime") or ""
    handler = require_text(function.properties.get("Handler"), "Handler") or ""
    patterns = next((files for name, files in _FILES.items() if runtime.startswith(name)), ())
    if not patterns or layers is None:
        return
    file, _, name = handler.partition(".") if runtime.startswith("ruby") else handler.rpartition(".")
    file = file.replace(".", "/") if runtime.startswith("python") else file.removeprefix("./")
    text = code if isinstance(code, str) and file == "index" else None
    below = ("python", f"python/lib/{runtime}/site-packages")
    folders = tuple(opened(layer) / each for layer in layers for each in below)
    folders += () if isinstance(code, str) else (opened(code),)
    for folder in folders:
        found = (folder / pattern.format(file) for pattern in patterns if ".." not in file)
        text = next((each.read_text("utf-8", "replace") for each in found if each.is_file()), text)
    if text is None:
        where = "CloudFormation names inline code index" if isinstance(code, str) else f"{code.name} has no such file"
        yield f"Handler is {handler!r}, and {where}; name a file of the function's code"
    elif not _ANYTHING.search(text) and not re.search(rf"\b{re.escape(name.rpartition('.')[2])}\b", text):
        yield f"Handler is {handler!r}, and {file} has no {name}; name a function of the function's code"
    variables = require_mapping(function.properties.get("Environment"), "Environment").get("Variables")
    service = render(require_mapping(variables, "Variables").get(_SERVICE, ""), function.template).replace("-", "_")
    parts = file.split("/")
    for at in range(len(parts)) if service and service not in parts else ():
        meant = "/".join((*parts[:at], service, *parts[at + 1 :]))
        if any((folder / pattern.format(meant)).is_file() for folder in folders for pattern in patterns):
            yield f"Handler is {handler!r}, and {_SERVICE} says {service}, whose code is {meant}; correct one of the two"


def _of_variable(text: Text, function: Resource, asset: Path | None, layers: Sequence[Path] | None) -> Iterator[str]:
    if not is_known(text.text):
        raise UnresolvedError(f"the template does not say what {text.name}, {text.text}, will be")
    is_file, has_layers = _LOADED.fullmatch(text.name) is not None, layers is None or bool(layers)
    inside = (*_OF_RUNTIME, *_mounted(function), *((_LAYERS,) if has_layers or not is_file else ()))
    for place in _PLACE.findall(_WRITTEN.sub("", text.text)):
        if not any(f"{place}/".startswith(f"{each}/") for each in inside) or ".." in place:
            where = "where the function has no layer" if place.startswith(_LAYERS) else "outside of its code and layers"
            yield f"{text.name} names {place}, {where}; remove it, or pack what it names with the code"
    if is_file and asset is not None and layers is not None:
        name = re.sub(rf"^({_CODE}|{_LAYERS})/", "", text.text).lstrip("/")
        roots = layers if text.text.startswith(_LAYERS) else [asset, *layers]
        if not any((opened(root) / folder / name).is_file() for root in roots for folder in ("", "lib")):
            yield f"{text.name} names {text.text}, which is not in the function's code or layers; remove it"


def _layers(function: Resource) -> int:
    """Return the number of a function's layers; an image has one that no template shows."""
    layers = function.properties.get("Layers")
    is_image = require_text(function.properties.get("PackageType"), "PackageType") == "Image"
    return 1 if is_image or not isinstance(layers, list | None) else len(layers or ())


def _declared(function: Resource, world: TemplateSet) -> list[Resource]:
    """Return the layers of a function that the templates declare."""
    layers = function.properties.get("Layers")
    found = [named(each, function.template, world) for each in (layers if isinstance(layers, list) else ())]
    return [each for each in found if each is not None and each.type == _LAYER]


def _mounted(function: Resource) -> Iterator[str]:
    for each in require_list(function.properties.get("FileSystemConfigs"), "FileSystemConfigs"):
        yield require_text(require_mapping(each, "FileSystemConfigs").get("LocalMountPath"), "LocalMountPath") or _CODE


RULE = Rule(
    title="A function's runtime loads the function's own code and layers, and nothing else",
    why=(
        "A handler, a wrapper, a library or a search path that leads elsewhere runs what nobody packed, reviewed and "
        "hashed: a request may write into /tmp. A handler that is in no file, or is another function's, fails each "
        "invocation, in both regions alike."
    ),
    fix=(
        "Name a file of the function's own code in Handler, and remove the variable; what must be loaded is packed with the "
        "code (/var/task) or is in a layer of the function (/opt)."
    ),
    judge=rule_from(_violations, FUNCTION),
    controls=nist("CM-5", "CM-7", "SI-3", "SI-7") + hipaa("164.308(a)(5)(ii)(B)", "164.312(c)(1)") + pci("6.3"),
)
