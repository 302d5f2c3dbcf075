import { type CallContext, ServerError, Status } from "nice-grpc";
import type { ServiceMethods } from "./account-service.ts";
import type { Cloud } from "./cloud.ts";
import type { Credentials } from "./credentials.ts";
import type { Exec } from "./exec.ts";
import type { MemorySnapshots } from "./memory-snapshots.ts";
import type { ExecNamed, ExecStart, NetworkAccess, StdinPart, StdinWrite, StdioRead, TaskNamed } from "./messages.ts";
import type { OutputSpool } from "../shared/output-spool.ts";
import { mountImage, saveDirectory, unmountImage } from "./sandbox-files.ts";
import type { EmulatedSandbox } from "./sandbox.ts";

/** What the router's methods work on. */
export interface RouterServiceDeps {
  readonly cloud: Cloud;
  readonly credentials: Credentials;
  readonly snapshots: MemorySnapshots;
}

interface PathNamed extends TaskNamed {
  /** UTF-8. */
  readonly path: Uint8Array;
}

interface Snapshot extends TaskNamed {
  /** The client's, the same in every attempt. */
  readonly snapshotId: string;
  readonly ttlSeconds?: number;
}

type EntrypointRead = Omit<StdioRead, "execId">;

const STDOUT = 0;

/** What happens inside sandboxes: commands and their streams, snapshots, mounts, the network. */
export function toRouterMethods(deps: RouterServiceDeps): ServiceMethods {
  const find = ({ taskId }: TaskNamed, { metadata }: CallContext): EmulatedSandbox => {
    deps.credentials.checkTask(metadata, taskId);
    return deps.cloud.ofTask(taskId);
  };
  return { ...toCommands(find), ...toInput(find), ...toSaving(deps, find), ...toMounting(deps, find) };
}

/** The living sandbox of a call that may be made. */
type Find = (named: TaskNamed, context: CallContext) => EmulatedSandbox;

function toCommands(find: Find): ServiceMethods {
  return {
    async taskExecStart(request: ExecStart, context: CallContext) {
      await find(request, context).exec(request);
      return {};
    },
    async *taskExecStdioRead(request: StdioRead, context: CallContext) {
      const sandbox = find(request, context);
      const exec = findExec(sandbox, request);
      const spool = request.fileDescriptor === STDOUT ? exec.stdout : exec.stderr;
      if (spool) for await (const data of spool.read(request.offset, context.signal)) yield { data };
      failIfOver(sandbox);
    },
    async *sandboxStdioReadV2(request: EntrypointRead, context: CallContext) {
      const { stdout, stderr } = find(request, context);
      const spool: OutputSpool = request.fileDescriptor === STDOUT ? stdout : stderr;
      let startingOffset = request.offset;
      for await (const data of spool.read(startingOffset, context.signal)) {
        yield { data, startingOffset };
        startingOffset += data.byteLength;
      }
    },
    async taskExecWait(request: ExecNamed, context: CallContext) {
      const sandbox = find(request, context);
      const status = await findExec(sandbox, request).ended;
      failIfOver(sandbox);
      return status;
    },
    taskExecPoll: (request: ExecNamed, context: CallContext) => findExec(find(request, context), request).status ?? {},
  };
}

function toInput(find: Find): ServiceMethods {
  return {
    taskExecStdinStatus: (request: ExecNamed, context: CallContext) => findExec(find(request, context), request).stdin,
    async taskExecStdinWrite(request: StdinWrite, context: CallContext) {
      const exec = findExec(find(request, context), request);
      await exec.write(request.offset, request.data);
      if (request.eof) exec.closeStdin();
      return {};
    },
    async taskExecStdinWriteStream(parts: AsyncIterable<StdinPart>, context: CallContext) {
      let exec: Exec | undefined;
      let offset = 0;
      for await (const { start, data, end } of parts) {
        if (start) {
          exec = findExec(find(start, context), start);
          offset = start.offset;
        }
        if (!exec) throw new ServerError(Status.INVALID_ARGUMENT, "A stream of stdin begins with its start.");
        if (data) {
          await exec.write(offset, data);
          offset += data.byteLength;
        }
        if (end) exec.closeStdin();
      }
      return {};
    },
  };
}

function toSaving({ cloud, snapshots }: RouterServiceDeps, find: Find): ServiceMethods {
  const saved = new Map<string, Promise<string>>();
  const once = (id: string, save: () => Promise<string>): Promise<string> => {
    const saving = saved.get(id) ?? save();
    saved.set(id, saving);
    saving.catch(() => saved.delete(id));
    return saving;
  };
  return {
    async taskSnapshotDirectory(request: Snapshot & PathNamed, context: CallContext) {
      const sandbox = find(request, context);
      const { snapshotId, ttlSeconds } = request;
      const place = { directory: toPath(request), ttlSeconds };
      return { imageId: await once(snapshotId, () => saveDirectory(sandbox, cloud.images, place)) };
    },
    async taskSnapshotFilesystem(request: Snapshot, context: CallContext) {
      const sandbox = find(request, context);
      return { imageId: await once(request.snapshotId, () => sandbox.saveFilesystem(request.ttlSeconds)) };
    },
    async taskSnapshotMemory(request: TaskNamed & { readonly idempotencyKey: string }, context: CallContext) {
      const sandbox = find(request, context);
      return { snapshotId: await once(request.idempotencyKey, () => snapshots.take(sandbox)) };
    },
  };
}

function toMounting({ cloud }: RouterServiceDeps, find: Find): ServiceMethods {
  return {
    async taskMountDirectory(request: PathNamed & { readonly imageId: string }, context: CallContext) {
      const place = { directory: toPath(request), imageId: request.imageId };
      await mountImage(find(request, context), cloud.images, place);
      return {};
    },
    async taskUnmountDirectory(request: PathNamed, context: CallContext) {
      await unmountImage(find(request, context), cloud.images, toPath(request));
      return {};
    },
    /** Goes into the books; what runs already keeps the network that it has. */
    taskSetNetworkAccess(request: TaskNamed & { readonly networkAccess?: NetworkAccess }, context: CallContext) {
      find(request, context).network = request.networkAccess;
      return {};
    },
  };
}

function findExec(sandbox: EmulatedSandbox, { execId }: ExecNamed): Exec {
  const exec = sandbox.execs.get(execId);
  if (!exec) throw new ServerError(Status.NOT_FOUND, `Exec ${execId} not found`);
  return exec;
}

/** What a command did in its sandbox's last moment can't be told from what the end did to it. */
function failIfOver({ result, parts }: EmulatedSandbox): void {
  if (result) throw new ServerError(Status.NOT_FOUND, `Task ${parts.taskId} has finished.`);
}

function toPath({ path }: PathNamed): string {
  return Buffer.from(path).toString();
}
