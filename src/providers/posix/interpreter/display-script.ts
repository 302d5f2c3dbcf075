import { TABLE_MIME } from "../../../core/interpreter.ts";

/** The part of the driver that finds out in which forms a value can be shown, as IPython's formatters do. */
export const DISPLAY_SCRIPT = String.raw`
import base64, io, math

MOST_RESULT = 10 * 1024 * 1024
MOST_PLAIN = 1024 * 1024
MOST_ROWS = 200
MOST_CELL = 1000
FORMS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
}
shown_figures = set()


def display(*values, **options):
    """Shows values in the best form that they have. raw=True takes {MIME type: data} as they are."""
    for value in values:
        if options.get("raw"):
            send_result({name: to_text(name, data) for name, data in value.items()}, False)
        else:
            show(value, False)


def show(value, is_main):
    send_result(to_bundle(value), is_main)


def send_result(bundle, is_main):
    kernel.send(b"r", {"kind": "result", "data": fit(bundle), "isMain": is_main})


def to_bundle(value):
    bundle = {"text/plain": repr(value)}
    # A class describes its instances, not itself.
    if isinstance(value, type):
        return bundle
    for form in (own_forms, figure_form, table_form):
        try:
            for name, data in form(value).items():
                text = to_text(name, data)
                if text is not None:
                    bundle[name] = text
        except Exception as error:
            kinds = type(value).__name__, type(error).__name__
            write_error("sandpiper: %s cannot be shown fully: %s: %s\n" % (kinds + (error,)))
    return bundle


def own_forms(value):
    # Its own forms hold the same picture twice.
    if is_a(value, "PIL.Image", "Image"):
        return {"image/png": image_to_png(value)}
    found = {}
    for method, name in FORMS.items():
        data = call_form(value, method)
        if isinstance(data, tuple):
            data = data[0]
        if data is not None:
            found[name] = data
    bundle = call_form(value, "_repr_mimebundle_", include=None, exclude=None)
    if isinstance(bundle, tuple):
        bundle = bundle[0]
    found.update(bundle or {})
    return found


def call_form(value, method, **options):
    # An object that answers to any name has no forms.
    if hasattr(value, "_sandpiper_has_no_such_thing"):
        return None
    form = getattr(value, method, None)
    if not callable(form):
        return None
    try:
        return form(**options)
    except NotImplementedError:
        return None


def is_a(value, module, name):
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def figure_form(value):
    if not is_a(value, "matplotlib.figure", "Figure"):
        return {}
    shown_figures.add(id(value))
    return {"image/png": figure_to_png(value)}


def figure_to_png(figure):
    data = io.BytesIO()
    figure.savefig(data, format="png", bbox_inches="tight", facecolor=figure.get_facecolor())
    return data.getvalue()


def image_to_png(image):
    data = io.BytesIO()
    # What PNG does not have.
    own = image.convert("RGB") if image.mode in ("CMYK", "F", "HSV", "LAB", "YCbCr") else image
    own.save(data, "PNG")
    return data.getvalue()


def table_form(value):
    if not is_a(value, "pandas", "DataFrame"):
        return {}
    head = value.head(MOST_ROWS)
    columns = [to_label(name) for name in value.columns]
    rows = [[to_cell(item) for item in row] for row in head.itertuples(index=False, name=None)]
    index = value.index
    if not is_a(index, "pandas", "RangeIndex"):
        columns = [to_label("" if name is None else name) for name in index.names] + columns
        heads = [key if isinstance(key, tuple) else (key,) for key in head.index]
        rows = [[to_cell(item) for item in key] + row for key, row in zip(heads, rows)]
    return {"${TABLE_MIME}": {"columns": columns, "rows": rows, "rowCount": len(value)}}


def to_label(name):
    return cut(" / ".join(map(str, name)) if isinstance(name, tuple) else str(name), MOST_CELL)


def to_cell(value):
    # One of numpy's numbers.
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    # Beyond that a number of JSON is not exact everywhere.
    if isinstance(value, int):
        return value if abs(value) < 1 << 53 else str(value)
    text = str(value)
    return None if text in ("NaT", "<NA>") and not isinstance(value, str) else cut(text, MOST_CELL)


def to_text(name, data):
    if data is None:
        return None
    is_text = name.startswith("text/") or name.endswith(("json", "+xml")) or name == "application/javascript"
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data).decode("utf-8", "replace") if is_text else base64.b64encode(data).decode()
    if name.endswith("json") and not isinstance(data, str):
        return json.dumps(data, ensure_ascii=False, default=str, allow_nan=False)
    return str(data)


# The smallest forms first: of a plot too large to send at least its name is shown.
def fit(bundle):
    bundle = {name: data for name, data in bundle.items() if data is not None}
    plain = bundle.pop("text/plain", None)
    fitting = {} if plain is None else {"text/plain": cut(plain, MOST_PLAIN)}
    left = MOST_RESULT
    notes = []
    for name, data in sorted(bundle.items(), key=lambda item: len(item[1])):
        if len(data) <= left:
            left -= len(data)
            fitting[name] = data
        else:
            notes.append("%s left out: %.1f MiB, the most is %d" % (name, len(data) / 1048576, MOST_RESULT // 1048576))
    if notes:
        fitting["text/plain"] = "\n".join(filter(None, [fitting.get("text/plain")] + notes))
    return fitting


# What is still open of pyplot's figures is what the cell drew.
def show_figures(*_, **__):
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or not hasattr(pyplot, "get_fignums"):
        return
    try:
        for number in pyplot.get_fignums():
            figure = pyplot.figure(number)
            if id(figure) not in shown_figures:
                show(figure, False)
        shown_figures.clear()
        pyplot.close("all")
    except Exception as error:
        write_error("sandpiper: a figure cannot be shown: %s: %s\n" % (type(error).__name__, error))


# Lets pyplot's show() do that, once somebody imports it.
class PyplotHook:
    def find_spec(self, name, path=None, target=None):
        if name != "matplotlib.pyplot":
            return None
        sys.meta_path.remove(self)
        import importlib.util
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            module.show = show_figures

        spec.loader.exec_module = exec_module
        return spec
`;
