import { once } from "node:events";
import { parseArgs } from "node:util";
import { startControlServer } from "../shared/control-server.ts";
import { startE2bEmulator } from "./e2b-emulator.ts";
import { type Order, carryOut } from "./orders.ts";

// The emulator as a program of its own, for what has to outlive the one who uses it:
//   node test/emulators/e2b/serve.ts [--port N] [--state FOLDER] [--max-sandboxes N]
// Prints {"url": …, "controlUrl": …} in one line and runs until it gets SIGTERM or SIGINT; then nothing remains.

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    state: { type: "string" },
    "max-sandboxes": { type: "string" },
  },
});
const emulator = await startE2bEmulator({
  port: Number(values.port),
  ...(values.state === undefined ? {} : { stateFolder: values.state }),
  ...(values["max-sandboxes"] === undefined ? {} : { maxSandboxes: Number(values["max-sandboxes"]) }),
});
const control = await startControlServer({
  books: emulator.books,
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- whoever orders knows the type
  carryOut: (order) => carryOut(order as Order, emulator),
});
console.log(JSON.stringify({ url: emulator.url, controlUrl: control.url }));
await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
control.close();
await emulator.close();
