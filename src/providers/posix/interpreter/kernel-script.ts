/**
 * The inner half of the driver: runs one cell after the other in a module `__main__` that stays. Speaks in frames, see
 * relay-script.ts. What is written to its stdout and stderr, by whatever in it, is the cell's.
 */
export const KERNEL_SCRIPT = String.raw`
import __future__, ast, atexit, builtins, io, linecache, threading, traceback, types

try:
    import ctypes
    flush_c = ctypes.CDLL(None).fflush
except Exception:
    flush_c = None

DRIVER = "<sandpiper>"
MOST_TEXT = 256 * 1024
AWAIT = getattr(ast, "PyCF_ALLOW_TOP_LEVEL_AWAIT", 0)
FUTURES = [getattr(__future__, name) for name in __future__.all_feature_names]


# As on a terminal: a line comes when it is whole. Without buffers every print would be two system calls.
def open_text(fd, errors):
    raw = io.BufferedWriter(io.FileIO(fd, "w", closefd=False))
    return io.TextIOWrapper(raw, "utf-8", errors, line_buffering=True)


def no_input(prompt=""):
    raise EOFError("input() has nobody to ask in a cell. Set the value in the code instead.")


# The exception of a cell, without the frames of what runs it.
def to_traceback(error):
    trace = error.__traceback__
    own = trace
    while own is not None and own.tb_frame.f_code.co_filename not in kernel.names:
        own = own.tb_next
    while own is None and trace is not None and trace.tb_frame.f_code.co_filename == DRIVER:
        trace = trace.tb_next
    told = traceback.TracebackException(type(error), error, own or trace)
    take_out_driver(told)
    lines = told.format() if own or trace else told.format_exception_only()
    return cut("".join(lines), MOST_TEXT)


# Its lines are found by the name of the cell, and told as those of the file.
def take_out_driver(told):
    told.stack[:] = [frame for frame in told.stack if frame.filename != DRIVER]
    for place in list(told.stack) + [told]:
        name = getattr(place, "filename", None)
        if name in kernel.names:
            place.filename = kernel.names[name]
    for earlier in (told.__cause__, told.__context__):
        if earlier is not None:
            take_out_driver(earlier)


def cut(text, most):
    if len(text) <= most:
        return text
    return "%s\n… %d more characters\n" % (text[:most], len(text) - most)


class Kernel:
    def __init__(self, requests, frames):
        self.requests = requests
        self.frames = frames
        self.owner = os.getpid()
        self.count = 0
        self.flags = AWAIT
        self.names = {}
        self.loop = None
        self.is_running = False
        self.is_sending = False
        self.is_interrupted = False
        self.lock = threading.RLock()
        self.module = types.ModuleType("__main__")
        self.module.__dict__.update({"__builtins__": builtins, "display": display})
        sys.modules["__main__"] = self.module

    def serve(self):
        signal.signal(signal.SIGINT, self.interrupt)
        builtins.input = no_input
        sys.stdin = open(0, closefd=False)
        sys.path.insert(0, "")
        sys.argv = [""]
        os.environ.setdefault("MPLBACKEND", "agg")
        sys.meta_path.insert(0, PyplotHook())
        while True:
            kind, data = self.receive()
            if kind != b"c":
                os._exit(0)
            self.run(json.loads(data.decode()))

    def receive(self):
        head = self.read(HEAD.size)
        if len(head) < HEAD.size:
            return None, b""
        kind, size = HEAD.unpack(head)
        return kind, self.read(size)

    def read(self, size):
        data = bytearray()
        while len(data) < size:
            part = os.read(self.requests, size - len(data))
            if not part:
                break
            data += part
        return bytes(data)

    # Half a frame would be the end of all of them, so an interrupt waits for the whole.
    def interrupt(self, *_):
        if self.is_sending:
            self.is_interrupted = True
        elif self.is_running:
            raise KeyboardInterrupt

    def send(self, kind, value):
        # A process that the cell forked has the same pipe.
        if os.getpid() != self.owner:
            return
        data = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
        with self.lock:
            is_main = threading.current_thread() is threading.main_thread()
            self.is_sending = self.is_sending or is_main
            try:
                write_all(self.frames, to_frame(kind, data))
            finally:
                if is_main:
                    self.is_sending = False
        if is_main and self.is_interrupted:
            self.is_interrupted = False
            self.interrupt()

    def run(self, cell):
        self.count += 1
        path = cell.get("path")
        name = "cell %d of %s" % (self.count, path) if path else "cell %d" % self.count
        self.names[name] = path or name
        self.open_streams()
        if path:
            self.name_file(cell["file"])
        restore = set_environment(cell.get("env") or {})
        self.is_interrupted = False
        code, ending = 0, None
        try:
            try:
                self.is_running = True
                self.send(b"r", {"kind": "count", "count": self.count})
                self.execute(cell["code"], name)
            finally:
                self.is_running = False
        except SystemExit as error:
            ending = error
        except BaseException as error:
            code = 1
            self.report(error)
        if os.getpid() != self.owner:
            # A process that the cell forked and let go on.
            self.flush()
            os._exit(code)
        show_figures()
        restore()
        if ending is not None:
            self.leave(ending)
        self.flush()
        self.send(b"d", {"code": code})

    # Closed, or put in the place of ours, they are no reason for the next cell to be mute.
    def open_streams(self):
        if getattr(sys.stdout, "closed", True):
            sys.stdout = sys.__stdout__ = open_text(1, "surrogateescape")
        if getattr(sys.stderr, "closed", True):
            sys.stderr = sys.__stderr__ = open_text(2, "backslashreplace")

    def name_file(self, file):
        self.module.__dict__["__file__"] = file
        sys.argv[:1] = [file]
        folder = os.path.dirname(file)
        if folder not in sys.path and folder != os.getcwd():
            sys.path.insert(0, folder)

    def execute(self, code, name):
        lines = [line + "\n" for line in code.split("\n")]
        linecache.cache[name] = (len(code), None, lines, name)
        tree = compile(code, name, "exec", self.flags | ast.PyCF_ONLY_AST, True)
        # CO_COROUTINE: it awaits something at its top, so all of it runs in the event loop.
        mentions = "await" in code or "async" in code
        is_async = mentions and self.compile(tree, name, "exec").co_flags & 0x80
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        parts = [self.compile(tree, name, "exec")]
        if last is not None:
            parts.append(self.compile(ast.Expression(last.value), name, "eval"))
        value = self.evaluate_in_loop(parts) if is_async else self.evaluate(parts)
        if last is None or value is None or is_silenced(code, last):
            return
        builtins._ = value
        show(value, True)

    def compile(self, tree, name, mode):
        code = compile(tree, name, mode, self.flags, True)
        for feature in FUTURES:
            if code.co_flags & feature.compiler_flag:
                self.flags |= feature.compiler_flag
        return code

    def evaluate(self, parts):
        for part in parts:
            value = eval(part, self.module.__dict__)
        return value

    async def evaluate_each(self, parts):
        for part in parts:
            value = eval(part, self.module.__dict__)
            if part.co_flags & 0x80:
                value = await value
        return value

    def evaluate_in_loop(self, parts):
        import asyncio
        if self.loop is None or self.loop.is_closed():
            self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        task = self.loop.create_task(self.evaluate_each(parts))
        try:
            return self.loop.run_until_complete(task)
        except BaseException:
            if not task.done():
                task.cancel()
                self.loop.run_until_complete(asyncio.wait([task]))
            raise

    def report(self, error):
        try:
            text = to_traceback(error)
            value = cut(str(error), MOST_TEXT)
        except BaseException as other:
            text = value = "%s, of which no more can be told: %s" % (type(error).__name__, type(other).__name__)
        write_error(text)
        self.send(b"r", {"kind": "error", "name": type(error).__name__, "value": value, "traceback": text})

    # The context goes on with a new process.
    def leave(self, error):
        code = error.code
        if code is not None and not isinstance(code, int):
            write_error("%s\n" % (code,))
            code = 1
        try:
            atexit._run_exitfuncs()
        except BaseException as failure:
            write_error(to_traceback(failure))
        self.flush()
        self.send(b"d", {"code": 1 if code else 0, "isLast": True})
        os._exit(0)

    def flush(self):
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            try:
                stream.flush()
            except Exception:
                pass
        if flush_c:
            flush_c(None)


def write_error(text):
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except Exception:
        write_all(2, text.encode("utf-8", "backslashreplace"))


def set_environment(env):
    earlier = {name: os.environ.get(name) for name in env}
    os.environ.update(env)

    def restore():
        for name, value in earlier.items():
            # What the cell itself changed stays.
            if os.environ.get(name) != env[name]:
                continue
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

    return restore


# As in notebooks, a semicolon after the last expression keeps its value back.
def is_silenced(code, last):
    end = getattr(last, "end_lineno", None)
    if end is None:
        return code.rstrip().endswith(";")
    line = code.split("\n")[end - 1].encode()
    return line[last.end_col_offset:].strip().startswith(b";")


def serve(requests, frames):
    global kernel
    sys.stdout = sys.__stdout__ = open_text(1, "surrogateescape")
    sys.stderr = sys.__stderr__ = open_text(2, "backslashreplace")
    kernel = Kernel(requests, frames)
    kernel.serve()
`;
