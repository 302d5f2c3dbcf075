import { DISPLAY_SCRIPT } from "./display-script.ts";
import { KERNEL_SCRIPT } from "./kernel-script.ts";
import { RELAY_SCRIPT } from "./relay-script.ts";

/** What ends the source on the driver's stdin; what follows it are frames. */
const END_OF_SOURCE = "\0";

// The source comes on stdin, which keeps the list of processes readable. The workspace is not searched for the modules that
// the driver needs: a json.py in it is the user's.
const BOOTSTRAP = String.raw`
import os, sys
if sys.version_info < (3, 6):
    sys.exit("Python 3.6 or newer is needed, and this is %d.%d." % sys.version_info[:2])
sys.path[:] = [path for path in sys.path if path]
source = b""
while not source.endswith(b"\0"):
    part = os.read(0, 65536)
    if not part:
        os._exit(0)
    source += part
exec(compile(source[:-1], "<sandpiper>", "exec"), {"__name__": "sandpiper"})
`;

/** What starts the driver; {@link toDriverSource} has to be written to it then. */
export const DRIVER_ARGV: readonly string[] = ["python3", "-c", BOOTSTRAP];

/** @param hello what comes before the driver's first frame, whatever a start-up file of Python's prints; letters and digits */
export function toDriverSource(hello: string): Buffer {
  const scripts = [DISPLAY_SCRIPT, KERNEL_SCRIPT, `HELLO = b"${hello}"`, RELAY_SCRIPT];
  return Buffer.from(scripts.join("\n") + END_OF_SOURCE);
}
