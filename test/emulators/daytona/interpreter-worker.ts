/**
 * Python of a context: reads `{"code", "envs"}` from standard input, a line each, runs it among what earlier lines have
 * left, and writes `{"type", …}` as the toolbox's sockets do, a line each.
 */
export const WORKER = String.raw`
import contextlib, io, json, os, signal, sys, traceback

names = {"__name__": "__main__", "__builtins__": __builtins__}
answers = os.fdopen(os.dup(1), "w")

def tell(**message):
    answers.write(json.dumps(message) + "\n")
    answers.flush()

class Stream(io.TextIOBase):
    def __init__(self, kind):
        self.kind, self.held = kind, ""
    def writable(self):
        return True
    def write(self, text):
        self.held += text
        if "\n" in text or len(self.held) >= 1024:
            self.flush()
        return len(text)
    def flush(self):
        held, self.held = self.held, ""
        if held:
            tell(type=self.kind, text=held)

def interrupt(number, frame):
    raise KeyboardInterrupt

def describe(error):
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == "<stdin>"]
    lines = ["Traceback (most recent call last):\n"] if frames else []
    lines += ['  File "<stdin>", line %d\n' % f.lineno for f in frames]
    return "".join(lines) + "%s: %s\n" % (type(error).__name__, error)

def run(code, envs):
    before, out, err = dict(os.environ), Stream("stdout"), Stream("stderr")
    os.environ.update(envs)
    end, failure = "completed", None
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            exec(compile(code, "<stdin>", "exec"), names)
    except KeyboardInterrupt:
        end = "interrupted"
    except SystemExit:
        pass
    except Exception as error:
        failure = dict(name=type(error).__name__, value=str(error), traceback=describe(error))
    out.flush()
    err.flush()
    for name in envs:
        os.environ.pop(name, None)
    os.environ.update(before)
    if failure:
        tell(type="error", **failure)
    tell(type="control", text=end)

signal.signal(signal.SIGINT, interrupt)
while True:
    try:
        line = sys.stdin.readline()
        if not line:
            break
        order = json.loads(line)
        run(order["code"], order.get("envs") or {})
    except KeyboardInterrupt:
        continue
`;
