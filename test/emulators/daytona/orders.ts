import type { DaytonaEmulator } from "./daytona-emulator.ts";
import type { Fault } from "./faults.ts";

/** What another process may ask of an emulator; any number of its parts, carried out in this order. */
export interface Order {
  readonly clearFaults?: true;
  readonly inject?: Fault;
  readonly setGpus?: { readonly type: string; readonly count: number };
  /** A sandbox's id. */
  readonly expire?: string;
  /** A sandbox's id. */
  readonly autoStop?: string;
  readonly connections?: "refuse" | "accept";
}

/** Does what another process orders. */
export async function carryOut(order: Order, emulator: DaytonaEmulator): Promise<void> {
  if (order.clearFaults) emulator.faults.clear();
  if (order.inject) emulator.faults.inject(order.inject);
  if (order.setGpus) emulator.setGpus(order.setGpus.type, order.setGpus.count);
  if (order.expire !== undefined) await emulator.expire(order.expire);
  if (order.autoStop !== undefined) await emulator.autoStop(order.autoStop);
  if (order.connections === "refuse") emulator.refuseConnections();
  if (order.connections === "accept") await emulator.acceptConnections();
}
