"""``multigan demo``: a page on this machine that asks a model for samples.

What it offers follows from the model and its domain: a seed, the way to another one, the labels,
the domain's options, what samples are made of. The page itself is Gradio's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal

from multigan.asked import labels_of
from multigan.domains.base import Domain
from multigan.errors import UserError, reason
from multigan.model import Model
from multigan.options import Option
from multigan.report.html import exhibits_html
from multigan.resources import how_to_add

FEW = 12  # samples at first
_WAITING = 16  # who waits for samples at most
_LARGEST = "100mb"  # a file that samples are made of
IN_TURN = "each in turn"


@dataclass(frozen=True)
class Control:
    """Something to choose on the page."""

    name: str
    kind: Literal["count", "whole", "number", "text", "flag", "choice", "range", "file"]
    help: str
    default: Any = None
    ends: tuple[float, float] = (0, 0)  # of a count or a range
    choices: Sequence[str] = ()


def controls(model: Model) -> list[Control]:
    """What a model can be asked for, in the order of the page."""
    domain = model.domain
    made_of_something = domain.needs_condition
    if made_of_something and type(domain).read_condition is Domain.read_condition:
        raise UserError(
            "this model makes samples from something that its domain reads from no file: a page "
            "cannot offer it; from Python give tensors: model.generate(condition=...)"
        )
    most = domain.presenter.shown
    few = most if most > 100 else min(FEW, most)  # points are one picture however many there are
    found = [Control("condition", "file", "What samples are made of.")] if made_of_something else []
    found += [
        Control("n", "count", "How many.", 1 if made_of_something else few, (1, most)),
        Control("seed", "whole", "Sample i follows from the seed and i alone.", 0),
        Control("to_seed", "text", "Samples on the way to this one."),
    ]
    if model.classes:
        found.append(Control("label", "choice", "The class.", 0, choices=[IN_TURN, *model.classes]))
    return found + [_control(option) for option in _offered(domain)]


def _offered(domain: Domain) -> list[Option]:
    """Options that whoever looks may choose: none that names a folder of this machine, or is of
    files, or that this model cannot be asked."""
    elsewhere = [o for o in domain.options if o.model or o.reading or o.writing]
    known = [o for o in domain.options if o not in elsewhere]
    return [o for o in known if not o.needs or attrgetter(o.needs)(domain.recipe)]


def _control(option: Option) -> Control:
    """An option of the domain; one that is swept lies between the ends of its sweep."""
    about: dict[str, Any] = {"default": option.default}
    if option.sweep and option.type is float:
        default = 1.0 if option.default is None else option.default
        ends = (min(*option.sweep, default), max(*option.sweep, default))
        return Control(option.name, "range", option.help, default, ends)
    kinds: dict[type, Any] = {bool: "flag", int: "whole", float: "number", str: "text"}
    return Control(option.name, kinds[option.type], option.help, **about)


def made(model: Model, asked: Mapping[str, Any]) -> str:
    """The samples that were asked for, by the names of `controls`, as HTML; raises `UserError`."""
    chosen = {option.name: asked[option.name] for option in _offered(model.domain)}
    options = {name: value for name, value in chosen.items() if value not in (None, "")}
    condition, n, seed = asked.get("condition"), int(asked["n"]), int(asked["seed"] or 0)
    if "condition" in asked and not condition:
        raise UserError("give a file that samples are made of")
    label = model.classes[asked["label"] - 1] if asked.get("label") else None
    if asked["to_seed"]:
        seeds = (seed, _seed(asked["to_seed"]))
        items = model.between(max(n, 2), seeds, label=label, condition=condition, **options)
    else:
        items = model.generate(n, seed=seed, label=label, condition=condition, **options)
    names = []
    if model.classes and not condition:
        first = 0 if asked["to_seed"] and label is None else label
        names = [model.classes[i] for i in labels_of(model.facts, len(items), first)]
    return exhibits_html(model.domain.presenter.gallery(items, "generated samples", names))


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UserError(f"to seed = {text}: give a whole number, or nothing") from None


def page(model: Model) -> Any:
    """The page, a ``gradio.Blocks``; raises `UserError` where Gradio is not installed."""
    try:
        import gradio
    except ImportError:
        raise UserError(f"the demo is a page of Gradio's: {how_to_add('demo')}") from None

    offered = controls(model)

    def answer(*values: Any) -> str:
        try:
            return made(model, {c.name: v for c, v in zip(offered, values, strict=True)})
        except UserError as error:
            raise gradio.Error(str(error), print_exception=False) from None

    title = model.recipe.title or model.recipe.domain
    with gradio.Blocks(title=f"{title} · multigan", analytics_enabled=False) as blocks:
        gradio.Markdown(f"# {_plain(title)}")
        with gradio.Row():
            with gradio.Column(scale=1, min_width=260):
                inputs = [_component(gradio, control) for control in offered]
                button = gradio.Button("Generate", variant="primary")
            with gradio.Column(scale=3):
                output = gradio.HTML()
        button.click(answer, inputs, output, api_name="generate")
        if "condition" not in [control.name for control in offered]:
            blocks.load(answer, inputs, output, api_name=False)
    return blocks.queue(max_size=_WAITING, default_concurrency_limit=1)


def _plain(text: str) -> str:
    """Text in which Markdown and HTML mean nothing: a model from elsewhere has a title too."""
    return "".join(f"&#{ord(c)};" if not (c.isalnum() or c.isspace()) else c for c in text)


def _component(gradio: Any, control: Control) -> Any:
    """A control as Gradio draws it."""
    about = {"label": control.name.replace("_", " "), "info": control.help}
    low, high = control.ends
    kinds: dict[str, Callable[[], Any]] = {
        "count": lambda: gradio.Slider(low, high, value=control.default, step=1, **about),
        "range": lambda: gradio.Slider(low, high, value=control.default, step=0.05, **about),
        "whole": lambda: gradio.Number(value=control.default, precision=0, **about),
        "number": lambda: gradio.Number(value=control.default, **about),
        "text": lambda: gradio.Textbox(value=control.default or "", **about),
        "flag": lambda: gradio.Checkbox(value=bool(control.default), **about),
        "choice": lambda: gradio.Dropdown(
            [(name, i) for i, name in enumerate(control.choices)], value=control.default, **about
        ),
        "file": lambda: gradio.File(label=f"{control.name}: {control.help}", type="filepath"),
    }
    return kinds[control.kind]()


def serve(model: Model, host: str, port: int, say: Callable[[str], None]) -> None:
    """Show the page at ``host`` and ``port`` until it is interrupted; raises `UserError` for what
    is taken."""
    blocks = page(model)
    say(f"http://{host}:{port}   ·   Ctrl-C ends it")
    try:
        blocks.launch(
            server_name=host,
            server_port=port,
            quiet=True,
            share=False,
            max_file_size=_LARGEST,
            footer_links=[],
        )
    except OSError as error:
        raise UserError(f"--port {port}: {reason(error)}") from None
