import { ApiError } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import type { Faults } from "./faults.ts";
import type { CreateSnapshot, Resources } from "./messages.ts";
import { type Call, type Routes, readJson } from "./routes.ts";
import type { Source } from "./image-builder.ts";
import type { StoredSnapshot } from "./snapshots.ts";
import { toSandboxDto, toSnapshotDto } from "./to-dto.ts";

/** What the routes work with. */
interface SnapshotApiParts {
  readonly cloud: Cloud;
  readonly faults: Faults;
  /** "http://127.0.0.1:port" */
  readonly url: () => string;
}

const SOURCE = { source: "DAYTONA_API" } as const;
const PAGE_SIZE = 100;
/** Tags that may mean something else tomorrow. Source: https://www.daytona.io/docs/en/snapshots/ */
const MOVING_TAGS = new Set(["latest", "lts", "stable"]);
const PLAIN: Source = { surroundings: { env: {}, workdir: "/root", user: "root" }, files: undefined };

/** All under `/api/snapshots`, and the snapshot of a sandbox. */
export function toSnapshotRoutes({ cloud, faults, url }: SnapshotApiParts): Routes {
  const { snapshots } = cloud.parts;
  const logs = new Map<string, string[]>();
  const find = (call: Call) => snapshots.get(call.param("snapshot"));
  return {
    "GET /snapshots": ({ query }) => {
      const [page, limit] = [Number(query.get("page") ?? 1), Number(query.get("limit") ?? PAGE_SIZE)];
      const wanted = query.get("sourceSandboxId");
      const all = snapshots.all.filter((one) => wanted === null || one.sourceSandboxId === wanted);
      const items = all.slice((page - 1) * limit, page * limit).map(toSnapshotDto);
      return { items, total: all.length, page, totalPages: Math.ceil(all.length / limit) };
    },
    "POST /snapshots": async (call) => {
      const create = await readJson<CreateSnapshot>(call);
      const failure = faults.take("fail-build", "POST /api/snapshots")?.reason;
      const log: string[] = [];
      const snapshot = addSnapshot(cloud, create);
      logs.set(snapshot.id, log);
      void build(cloud, create, log, failure).then(
        (source) => snapshots.activate(snapshot, source),
        (error: unknown) => snapshots.fail(snapshot, create.buildInfo ? "build_failed" : "error", error),
      );
      return toSnapshotDto(snapshot);
    },
    "GET /snapshots/:snapshot": (call) => toSnapshotDto(find(call)),
    "DELETE /snapshots/:snapshot": (call) => snapshots.delete(call.param("snapshot")),
    "POST /snapshots/:snapshot/activate": (call) => {
      const snapshot = find(call);
      if (snapshot.state !== "inactive") throw new ApiError(400, `Snapshot ${snapshot.id} is not inactive`, SOURCE);
      snapshots.activate(snapshot);
      return toSnapshotDto(snapshot);
    },
    "POST /snapshots/:snapshot/deactivate": (call) => {
      find(call).state = "inactive";
    },
    "GET /snapshots/:snapshot/build-logs-url": (call) => ({
      url: `${url()}/api/snapshots/${find(call).id}/build-logs`,
    }),
    "GET /snapshots/:snapshot/build-logs": (call) => {
      call.response.end((logs.get(find(call).id) ?? []).join("\n"));
    },
    "POST /sandbox/:sandbox/snapshot": async (call) => {
      const { name = "" } = await readJson<{ readonly name?: string }>(call);
      const sandbox = cloud.get(call.param("sandbox"));
      const failure = faults.take("fail-snapshot", "POST /api/sandbox/:sandbox/snapshot")?.reason;
      saveSandbox(cloud, sandbox.id, name, failure);
      return toSandboxDto(sandbox, `${url()}/toolbox`);
    },
  };
}

function addSnapshot({ parts }: Cloud, create: CreateSnapshot): StoredSnapshot {
  const { name = "", imageName, buildInfo } = create;
  if (imageName === undefined && !buildInfo) throw new ApiError(400, "Must specify either an image or a build", SOURCE);
  checkTag(imageName);
  return parts.snapshots.add({
    name,
    imageName,
    resources: toResources(create),
    sandboxClass: create.sandboxClass ?? "container",
    state: buildInfo ? "building" : "pending",
  });
}

/** @throws 400 for what may mean something else tomorrow */
function checkTag(imageName = ":none"): void {
  const tag = imageName.split("/").at(-1)?.split(":")[1] ?? "latest";
  if (MOVING_TAGS.has(tag)) throw new ApiError(400, `Images with tag ":${tag}" are not allowed`, SOURCE);
}

function toResources({ cpu = 1, memory = 1, disk = 3, gpu = 0, gpuType }: CreateSnapshot): Resources {
  return { cpu, memory, disk, gpu, gpuType: gpu > 0 ? (gpuType?.[0] ?? "H100") : undefined };
}

async function build(
  { parts }: Cloud,
  { buildInfo }: CreateSnapshot,
  log: string[],
  failure: string | undefined,
): Promise<Source> {
  if (failure !== undefined) throw new Error(failure);
  if (!buildInfo) return PLAIN;
  return parts.builder.build(buildInfo.dockerfileContent ?? "", (line) => log.push(line));
}

/** Copies a sandbox's files into a new snapshot that gives what the sandbox has. */
function saveSandbox(cloud: Cloud, sandboxId: string, name: string, failure: string | undefined): void {
  const { snapshots } = cloud.parts;
  const sandbox = cloud.get(sandboxId);
  const { resources, source } = sandbox;
  const { sandboxClass } = sandbox.parts;
  const state = "snapshotting";
  if (!source) throw new ApiError(400, "Sandbox must be in started or stopped state to create a snapshot", SOURCE);
  const snapshot = snapshots.add({ name, resources, sandboxClass, sourceSandboxId: sandboxId, state });
  const files = snapshots.folderOf(snapshot);
  try {
    sandbox.snapshot(files, (error) => {
      const problem = failure ?? error;
      if (problem === undefined) snapshots.activate(snapshot, { surroundings: source.surroundings, files });
      else snapshots.fail(snapshot, "error", problem);
    });
  } catch (error) {
    void snapshots.delete(snapshot.id);
    throw error;
  }
}
