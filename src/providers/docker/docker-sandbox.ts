import type { Call } from "../../core/call.ts";
import type { Command, Process, Sandbox } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { createDriverInterpreter } from "../posix/interpreter/driver-interpreter.ts";
import { createWorkspaceFiles } from "../posix/workspace-files.ts";
import { PRIVATE_FOLDER, WORKSPACE } from "./container-options.ts";
import type { DockerClient } from "./docker-client.ts";
import { startProcess } from "./docker-process.ts";
import { readStatus, toSandboxError } from "./to-sandbox-error.ts";
import { whyLost } from "./why-lost.ts";

/** A running container, as a sandbox. */
export interface ContainerFacts {
  readonly id: string;
  readonly expiresAt: Date;
  readonly memoryMiB: number;
  readonly diskMiB: number;
}

export function createDockerSandbox(client: DockerClient, facts: ContainerFacts): Sandbox {
  const container = client.docker.getContainer(facts.id);
  const known = { docker: client.docker, containerId: facts.id, ...facts };
  const exec = async (command: Command, call: Call): Promise<Process> => {
    const since = new Date();
    try {
      return await startProcess(container, command, call, () => whyLost({ ...known, since }));
    } catch (error) {
      if (call.signal.aborted) throw call.signal.reason;
      throw toGone(error) ?? toSandboxError(error, client.place);
    }
  };
  return {
    id: facts.id,
    workspace: WORKSPACE,
    expiresAt: facts.expiresAt,
    exec,
    ...createWorkspaceFiles(exec, { workspace: WORKSPACE, private: PRIVATE_FOLDER }),
    interpreter: createDriverInterpreter(exec, WORKSPACE),
    destroy: (call) => removeContainer(client, facts.id, call),
  };
}

/** No such container, or one that has stopped: gone for good either way. */
function toGone(cause: unknown): SandboxError | undefined {
  const status = readStatus(cause);
  const isStopped =
    status === 409 && cause instanceof Error && /not running|is paused|marked for removal/i.test(cause.message);
  if (status !== 404 && !isStopped) return undefined;
  return new SandboxError("not-found", "The sandbox is gone. Start a new session.", { cause });
}

/** Ends and removes a container, with what runs in it; one that is gone is fine. */
export async function removeContainer(client: DockerClient, id: string, call: Call): Promise<void> {
  const container = client.docker.getContainer(id);
  try {
    await container.remove({ force: true, v: true, abortSignal: call.signal });
  } catch (error) {
    if (call.signal.aborted) throw call.signal.reason;
    if (readStatus(error) === 404) return;
    // "Removal is already in progress": by itself, or by another of us.
    if (readStatus(error) !== 409) throw toSandboxError(error, client.place);
    await container.wait({ condition: "removed", abortSignal: call.signal }).catch((failure: unknown) => {
      if (call.signal.aborted) throw call.signal.reason;
      if (readStatus(failure) !== 404) throw toSandboxError(failure, client.place);
    });
  }
}
