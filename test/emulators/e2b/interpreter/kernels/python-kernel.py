"""Interprets Python: reads a cell a line from its input, as JSON, and writes what comes of it, a message a line.

The messages are those of E2B's interpreter: number_of_executions, stdout, stderr, result, error, end_of_execution.
"""

import ast
import asyncio
import base64
import builtins
import datetime
import json
import os
import signal
import sys
import threading
import traceback
import types

FORMATS = {
    "text/plain": "text",
    "text/html": "html",
    "text/markdown": "markdown",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpeg",
    "application/pdf": "pdf",
    "text/latex": "latex",
    "application/json": "json",
    "application/javascript": "javascript",
    "e2b/data": "data",
    "e2b/chart": "chart",
}
METHODS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_pdf_": "application/pdf",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
    "_repr_javascript_": "application/javascript",
    "_repr_e2b_data_": "e2b/data",
    "_repr_e2b_chart_": "e2b/chart",
}

wire = os.fdopen(os.dup(1), "wb", buffering=0)
wire_lock = threading.Lock()


def send(message):
    line = json.dumps(message, separators=(",", ":"), default=str) + "\n"
    with wire_lock:
        wire.write(line.encode())


def send_text(stream, text):
    if text:
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        send({"type": stream, "text": text, "timestamp": now})


class Output:
    """Where print goes: what was written before a line break, or a flush, is one message."""

    encoding = "utf-8"

    def __init__(self, stream, descriptor):
        self.stream = stream
        self.descriptor = descriptor
        self.pending = ""

    def write(self, text):
        self.pending += text
        if "\n" in text:
            self.flush()
        return len(text)

    def flush(self):
        pending, self.pending = self.pending, ""
        send_text(self.stream, pending)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def isatty(self):
        return False

    def fileno(self):
        return self.descriptor


class Descriptor:
    """What children write to a descriptor: read by a thread, as long as this process lives."""

    def __init__(self, stream, descriptor):
        self.stream = stream
        self.reader, writer = os.pipe()
        os.dup2(writer, descriptor)
        os.close(writer)
        self.descriptor = descriptor
        self.mark = base64.b64encode(os.urandom(18))
        self.is_drained = threading.Event()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        rest = b""
        while chunk := os.read(self.reader, 65536):
            rest += chunk
            if self.mark in rest:
                rest = rest.replace(self.mark, b"")
                send_text(self.stream, rest.decode(errors="replace"))
                rest = b""
                self.is_drained.set()
            elif len(rest) > len(self.mark):
                keep = len(self.mark)
                send_text(self.stream, rest[:-keep].decode(errors="replace"))
                rest = rest[-keep:]

    def drain(self):
        self.is_drained.clear()
        os.write(self.descriptor, self.mark)
        self.is_drained.wait()


def to_bundle(value):
    bundle = {}
    make = getattr(value, "_repr_mimebundle_", None)
    if make and not isinstance(value, type):
        made = make()
        bundle.update(made[0] if isinstance(made, tuple) else made or {})
    bundle.setdefault("text/plain", repr(value))
    for method, mime in METHODS.items():
        shown = None if isinstance(value, type) else getattr(value, method, None)
        content = shown() if callable(shown) else None
        if content is not None:
            bundle[mime] = content[0] if isinstance(content, tuple) else content
    pandas = sys.modules.get("pandas")
    if pandas and isinstance(value, pandas.DataFrame):
        bundle["e2b/data"] = value.to_dict(orient="list")
    if isinstance(value, (dict, list)):
        bundle["application/json"] = value
    return bundle


def send_bundle(bundle, is_main_result):
    message = {"type": "result", "is_main_result": is_main_result}
    extra = {}
    for mime, content in bundle.items():
        if isinstance(content, (bytes, bytearray)):
            content = base64.b64encode(content).decode()
        if mime in FORMATS:
            message[FORMATS[mime]] = content
        else:
            extra[mime] = content
    text = message.get("text")
    if isinstance(text, str) and len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        message["text"] = text[1:-1]
    send({**message, **({"extra": extra} if extra else {})})


def display(*values, raw=False, **_):
    for value in values:
        sys.stdout.flush()
        send_bundle(value if raw else to_bundle(value), False)


def make_displayed(name, mime):
    def create(self, data=None, **_):
        self.data = data

    def bundle(self):
        return {mime: self.data, "text/plain": f"<IPython.core.display.{name} object>"}

    return type(name, (), {"__init__": create, "_repr_mimebundle_": bundle})


def provide_ipython():
    """The part of IPython that cells use to show something, where IPython is not installed."""
    module = types.ModuleType("IPython.display")
    module.display = display
    for name, mime in {
        "HTML": "text/html",
        "Markdown": "text/markdown",
        "SVG": "image/svg+xml",
        "Image": "image/png",
        "JSON": "application/json",
        "Latex": "text/latex",
        "Javascript": "application/javascript",
    }.items():
        setattr(module, name, make_displayed(name, mime))
    parent = types.ModuleType("IPython")
    parent.display = module
    sys.modules.update({"IPython": parent, "IPython.display": module})


def show_figures():
    pyplot = sys.modules.get("matplotlib.pyplot")
    for number in pyplot.get_fignums() if pyplot else []:
        import io

        figure, png = pyplot.figure(number), io.BytesIO()
        figure.savefig(png, format="png")
        send_bundle({"text/plain": repr(figure), "image/png": png.getvalue()}, False)
        pyplot.close(figure)


def evaluate(nodes, kind, name, scope):
    tree = ast.Module(nodes, []) if kind == "exec" else ast.Expression(nodes)
    code = compile(tree, name, kind, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    made = eval(code, scope)
    return asyncio.run(made) if asyncio.iscoroutine(made) and code.co_flags & 0x80 else made


def run(code, name, scope):
    nodes = ast.parse(code, name).body
    last = nodes.pop() if nodes and isinstance(nodes[-1], ast.Expr) else None
    if nodes:
        evaluate(nodes, "exec", name, scope)
    if last is None:
        return
    value = evaluate(last.value, "eval", name, scope)
    if value is not None and not code.rstrip().endswith(";"):
        scope["_"] = value
        send_bundle(to_bundle(value), True)


def send_error(error):
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    own = [line for line in lines if __file__ not in line]
    send({"type": "error", "name": type(error).__name__, "value": str(error), "traceback": "".join(own)})


def run_cell(order, number, scope):
    before = {name: os.environ.get(name) for name in order["env"]}
    os.environ.update(order["env"])
    send({"type": "number_of_executions", "execution_count": number})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run(order["code"], f"<cell {number}>", scope)
        show_figures()
    except BaseException as error:
        failed = error
    else:
        failed = None
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout.flush()
    sys.stderr.flush()
    for descriptor in descriptors:
        descriptor.drain()
    if failed is not None:
        send_error(failed)
    for name, value in before.items():
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    send({"type": "end_of_execution"})


signal.signal(signal.SIGINT, signal.SIG_IGN)
os.environ.setdefault("MPLBACKEND", "Agg")
orders = os.fdopen(os.dup(0), "r", encoding="utf-8")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
descriptors = [Descriptor("stdout", 1), Descriptor("stderr", 2)]
sys.stdout, sys.stderr = Output("stdout", 1), Output("stderr", 2)
builtins.display = display
main = types.ModuleType("__main__")
sys.modules["__main__"] = main
sys.path.insert(0, "")
try:
    import IPython  # noqa: F401
except ImportError:
    provide_ipython()
for number, line in enumerate(orders, 1):
    run_cell(json.loads(line), number, main.__dict__)
