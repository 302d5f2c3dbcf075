/** A result may hold 10 MiB, and six times that escaped as JSON; who sends more is not the driver. */
export const MOST_FRAME_BYTES = 128 * 1024 ** 2;

/**
 * The outer half of the driver: it forks, runs {@link KERNEL_SCRIPT} in the child, and passes on what that says as frames on
 * its own stdout. A process of its own, so that code which holds the interpreter's lock, or forks, or dies, holds up nothing.
 *
 * A frame is a kind (one byte), the length of what follows (four bytes, big-endian) and that. From here: `h` hello (JSON:
 * the Python), `o` and `e` bytes of stdout and stderr, `r` an output (JSON as in core/interpreter.ts), `d` done (JSON).
 * To here: `c` a cell (JSON). Ends with the code of the child, or 128 and the number of the signal that killed it.
 *
 * Plain Python 3.6 without packages. HELLO, what marks the first frame, is set by whoever sends it.
 */
export const RELAY_SCRIPT = String.raw`
import json, os, select, signal, struct, sys

HEAD = struct.Struct(">cI")
CHUNK = 65536
LITTLE = 16384
# A pipe holds no more: what comes besides was written later.
MOST_HELD = 1 << 20
MOST_FRAME = ${MOST_FRAME_BYTES}


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


def to_frame(kind, data):
    return HEAD.pack(kind, len(data)) + data


class Relay:
    def __init__(self, child, out, err, frames):
        self.child = child
        self.frames = frames
        self.streams = {out: b"o", err: b"e"}
        self.held = bytearray()
        for fd in (out, err, frames):
            os.set_blocking(fd, False)
        self.wake, wake_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # An interrupt is for the child, which gets it too.
        signal.signal(signal.SIGINT, lambda *_: None)

    def run(self):
        sources = [self.frames, self.wake] + list(self.streams)
        while True:
            is_little = False
            for fd in select.select(sources, [], [])[0]:
                if fd == self.wake:
                    self.read(fd)
                    continue
                data = self.pass_frames() if fd == self.frames else self.pass_bytes(fd)
                if data == b"":
                    sources.remove(fd)
                is_little = is_little or fd in self.streams and len(data or b"") < LITTLE
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                self.finish()
                return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
            # Lets what is printed bit by bit gather.
            if is_little:
                select.select([self.frames, self.wake], [], [], 0.002)

    # None when there is nothing now, empty at the end.
    def read(self, fd):
        try:
            return os.read(fd, CHUNK)
        except BlockingIOError:
            return None

    def pass_bytes(self, fd):
        data = self.read(fd)
        if data:
            write_all(1, to_frame(self.streams[fd], data))
        return data

    # What was written before a frame was sent is passed on before it.
    def drain(self):
        for fd in self.streams:
            left = MOST_HELD
            while left > 0:
                data = self.pass_bytes(fd)
                if not data:
                    break
                left -= len(data)

    def pass_frames(self):
        data = self.read(self.frames)
        self.held += data or b""
        while len(self.held) >= HEAD.size:
            size = HEAD.unpack_from(self.held)[1]
            if size > MOST_FRAME:
                # No frame of ours: the other side is to see that, and ends it all.
                write_all(1, self.held[:HEAD.size])
                os.kill(self.child, signal.SIGKILL)
            end = HEAD.size + size
            if len(self.held) < end:
                break
            self.drain()
            write_all(1, self.held[:end])
            del self.held[:end]
        return data

    def finish(self):
        while self.pass_frames():
            pass
        self.drain()


def start_kernel(kernel):
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    frames, frames_end = os.pipe()
    requests = os.dup(0)
    child = os.fork()
    if child == 0:
        for fd in (out, err, frames):
            os.close(fd)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for fd, to in ((nothing, 0), (out_end, 1), (err_end, 2)):
            os.dup2(fd, to)
            os.close(fd)
        kernel(requests, frames_end)
        os._exit(0)
    for fd in (out_end, err_end, frames_end, requests):
        os.close(fd)
    return Relay(child, out, err, frames)


relay = start_kernel(serve)
write_all(1, HELLO + to_frame(b"h", json.dumps({"version": sys.version.split()[0]}).encode()))
os._exit(relay.run())
`;
