import { type CallContext, ServerError, Status } from "nice-grpc";
import type { ServiceMethods } from "./account-service.ts";
import type { Cloud } from "./cloud.ts";
import type { Credentials } from "./credentials.ts";
import type { Exec } from "./exec.ts";
import type { ExecNamed, ExecStart, StdinPart, StdinWrite, StdioRead, TaskNamed } from "./messages.ts";
import type { EmulatedSandbox } from "./sandbox.ts";

const STDOUT = 0;

/** What happens inside sandboxes: commands and their streams. */
export function toRouterMethods(cloud: Cloud, credentials: Credentials): ServiceMethods {
  const find = ({ taskId }: TaskNamed, { metadata }: CallContext): EmulatedSandbox => {
    credentials.checkTask(metadata, taskId);
    return cloud.ofTask(taskId);
  };
  const findExec = (named: ExecNamed, context: CallContext): Exec => {
    const exec = find(named, context).execs.get(named.execId);
    if (!exec) throw new ServerError(Status.NOT_FOUND, `Exec ${named.execId} not found`);
    return exec;
  };
  return {
    async taskExecStart(request: ExecStart, context: CallContext) {
      await find(request, context).exec(request);
      return {};
    },
    async *taskExecStdioRead(request: StdioRead, context: CallContext) {
      const exec = findExec(request, context);
      const spool = request.fileDescriptor === STDOUT ? exec.stdout : exec.stderr;
      for await (const data of spool.read(request.offset, context.signal)) yield { data };
    },
    async taskExecWait(request: ExecNamed, context: CallContext) {
      const sandbox = find(request, context);
      const exec = findExec(request, context);
      return Promise.race([exec.ended, toLoss(sandbox)]);
    },
    taskExecPoll: (request: ExecNamed, context: CallContext) => findExec(request, context).status ?? {},
    taskExecStdinStatus: (request: ExecNamed, context: CallContext) => findExec(request, context).stdin,
    async taskExecStdinWrite(request: StdinWrite, context: CallContext) {
      const exec = findExec(request, context);
      await exec.write(request.offset, request.data);
      if (request.eof) exec.closeStdin();
      return {};
    },
    async taskExecStdinWriteStream(parts: AsyncIterable<StdinPart>, context: CallContext) {
      let exec: Exec | undefined;
      let offset = 0;
      for await (const { start, data, end } of parts) {
        if (start) {
          exec = findExec(start, context);
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

/** Fails when the sandbox ends. */
async function toLoss(sandbox: EmulatedSandbox): Promise<never> {
  await sandbox.ended;
  throw new ServerError(Status.NOT_FOUND, `Task ${sandbox.taskId} has finished.`);
}
