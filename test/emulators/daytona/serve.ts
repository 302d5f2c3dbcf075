import { once } from "node:events";
import { parseArgs } from "node:util";
import { startControlServer } from "../shared/control-server.ts";
import { startDaytonaEmulator } from "./daytona-emulator.ts";
import { type Order, carryOut } from "./orders.ts";

// The emulator as a program of its own, for what has to outlive the one who uses it:
//   node test/emulators/daytona/serve.ts [--port N] [--state FOLDER] [--minute MS] [--gpu H100=0]…
// Prints {"url": …, "controlUrl": …} in one line and runs until it gets SIGTERM or SIGINT; then nothing remains.

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    state: { type: "string" },
    minute: { type: "string" },
    gpu: { type: "string", multiple: true, default: [] },
  },
});
const gpus = new Map(values.gpu.map(toGpu));
const emulator = await startDaytonaEmulator({
  port: Number(values.port),
  gpus: Object.fromEntries(gpus),
  ...(values.state === undefined ? {} : { stateFolder: values.state }),
  ...(values.minute === undefined ? {} : { minuteMs: Number(values.minute) }),
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

function toGpu(given: string): [type: string, count: number] {
  const [type = "", count] = given.split("=");
  return [type, Number(count)];
}
