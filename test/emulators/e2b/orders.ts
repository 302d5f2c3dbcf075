import type { E2bEmulator } from "./e2b-emulator.ts";
import type { Fault } from "./faults.ts";

/** What another process may ask of an emulator; any number of its parts, carried out in this order. */
export interface Order {
  readonly clearFaults?: true;
  readonly inject?: Fault;
  /** A sandbox's id. */
  readonly expire?: string;
  readonly connections?: "refuse" | "accept";
}

/** Does what another process orders. */
export async function carryOut(order: Order, emulator: E2bEmulator): Promise<void> {
  if (order.clearFaults) emulator.faults.clear();
  if (order.inject) emulator.faults.inject(order.inject);
  if (order.expire !== undefined) await emulator.expire(order.expire);
  if (order.connections === "refuse") emulator.refuseConnections();
  if (order.connections === "accept") await emulator.acceptConnections();
}
