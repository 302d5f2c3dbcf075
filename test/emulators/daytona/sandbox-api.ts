import { ApiError } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import type { Faults } from "./faults.ts";
import type { CreateSandbox, NetworkSettings, Resources } from "./messages.ts";
import type { Previews } from "./previews.ts";
import { type Call, type Routes, readJson } from "./routes.ts";
import type { EmulatedSandbox } from "./sandbox.ts";
import { listPage } from "./sandbox-list.ts";
import { ORGANIZATION_ID, toSandboxDto } from "./to-dto.ts";

/** What the routes work with. */
export interface SandboxApiParts {
  readonly cloud: Cloud;
  readonly faults: Faults;
  readonly previews: Previews;
  /** "http://127.0.0.1:port" */
  readonly url: () => string;
}

const SOURCE = { source: "DAYTONA_API" } as const;
const MOST_PORT = 65_535;
const DAY_SECONDS = 24 * 60 * 60;

/** All under `/api/sandbox`, except for ports and snapshots. */
export function toSandboxRoutes({ cloud, faults, url }: SandboxApiParts): Routes {
  const toolboxUrl = () => `${url()}/toolbox`;
  const find = (call: Call) => cloud.get(call.param("sandbox"));
  const describe = (sandbox: EmulatedSandbox) => toSandboxDto(sandbox, toolboxUrl());
  /** A route that changes a sandbox and answers with how it is now. */
  const change = (act: (sandbox: EmulatedSandbox, call: Call) => unknown) => async (call: Call) => {
    const sandbox = find(call);
    await act(sandbox, call);
    return describe(sandbox);
  };
  return {
    "POST /sandbox": async (call) => {
      const create = await readJson<CreateSandbox>(call);
      const build = faults.take("fail-build", "POST /api/sandbox")?.reason;
      const start = faults.take("fail-start", "POST /api/sandbox")?.reason;
      return describe(cloud.create(create, { build, start }));
    },
    "GET /sandbox": ({ query }) => listPage(cloud.living, query, toolboxUrl()),
    "GET /sandbox/:sandbox": (call) => describe(find(call)),
    "DELETE /sandbox/:sandbox": change((sandbox) => sandbox.delete()),
    "POST /sandbox/:sandbox/start": change((sandbox) => {
      if (sandbox.state !== "started") cloud.checkRoomFor(sandbox);
      sandbox.start(faults.take("fail-start", "POST /api/sandbox/:sandbox/start")?.reason);
      sandbox.touch();
    }),
    "POST /sandbox/:sandbox/stop": change((sandbox) => sandbox.stop()),
    "POST /sandbox/:sandbox/pause": change((sandbox) => sandbox.pause()),
    "POST /sandbox/:sandbox/archive": change((sandbox) => sandbox.archive()),
    "POST /sandbox/:sandbox/fork": () => {
      throw new ApiError(422, "Forking is not supported for this sandbox", SOURCE);
    },
    "POST /sandbox/:sandbox/recover": () => {
      throw new ApiError(400, "Sandbox is not in a recoverable state", SOURCE);
    },
    "POST /sandbox/:sandbox/resize": change(async (sandbox, call) => {
      sandbox.resize(await readJson<Partial<Resources>>(call));
    }),
    "PUT /sandbox/:sandbox/labels": async (call) => {
      const { labels } = await readJson<Pick<Required<CreateSandbox>, "labels">>(call);
      find(call).labels = labels;
      return { labels };
    },
    "POST /sandbox/:sandbox/public/:value": change((sandbox, call) => {
      sandbox.isPublic = call.param("value") === "true";
    }),
    "POST /sandbox/:sandbox/network-settings": change(async (sandbox, call) => {
      sandbox.network = { ...sandbox.network, ...(await readJson<NetworkSettings>(call)) };
    }),
    "POST /sandbox/:sandbox/last-activity": (call) => {
      const sandbox = find(call);
      sandbox.refreshes += 1;
      sandbox.touch();
    },
    ...toIntervalRoutes(change),
    "GET /sandbox/:sandbox/toolbox-proxy-url": (call) => find(call) && { url: toolboxUrl() },
    "GET /sandbox/:sandbox/organization": (call) => find(call) && { id: ORGANIZATION_ID },
    "GET /sandbox/:sandbox/signing-key": (call) => find(call).signingKey,
    "POST /sandbox/:sandbox/signing-key/rotate": (call) => find(call).rotateSigningKey(),
    "GET /sandbox/:sandbox/build-logs-url": (call) => ({ url: `${url()}/api/sandbox/${find(call).id}/build-logs` }),
    "GET /sandbox/:sandbox/build-logs": async (call) => {
      const sandbox = find(call);
      await sandbox.settled;
      call.response.end((cloud.buildLogs.get(sandbox.id) ?? []).join("\n"));
    },
  };
}

/** Addresses of what listens inside. */
export function toPreviewRoutes({ cloud, previews }: SandboxApiParts): Routes {
  const find = (call: Call) => cloud.get(call.param("sandbox"));
  return {
    "GET /sandbox/:sandbox/ports/:port/preview-url": async (call) => {
      const sandbox = find(call);
      const url = await previews.open(sandbox, toPort(call));
      return { sandboxId: sandbox.id, url, token: sandbox.authToken };
    },
    "GET /sandbox/:sandbox/ports/:port/signed-preview-url": async (call) => {
      const sandbox = find(call);
      const port = toPort(call);
      const seconds = Number(call.query.get("expiresInSeconds") ?? 60);
      if (!(seconds >= 1 && seconds <= DAY_SECONDS)) {
        throw new ApiError(400, "expiresInSeconds must be between 1 second and 24 hours", SOURCE);
      }
      return { sandboxId: sandbox.id, port, ...(await previews.sign(sandbox, port, seconds)) };
    },
    "POST /sandbox/:sandbox/ports/:port/signed-preview-url/:token/expire": (call) =>
      find(call) && previews.expire(call.param("token")),
  };
}

type Change = (act: (sandbox: EmulatedSandbox, call: Call) => unknown) => (call: Call) => Promise<object>;

function toIntervalRoutes(change: Change): Routes {
  const set = (name: "autoStop" | "autoPause" | "autoArchive" | "autoDelete") =>
    change((sandbox, call) => sandbox.lifetimes.set({ [name]: Number(call.param("minutes")) }));
  return {
    "POST /sandbox/:sandbox/autostop/:minutes": set("autoStop"),
    "POST /sandbox/:sandbox/autopause/:minutes": set("autoPause"),
    "POST /sandbox/:sandbox/autoarchive/:minutes": set("autoArchive"),
    "POST /sandbox/:sandbox/autodelete/:minutes": set("autoDelete"),
    "POST /sandbox/:sandbox/ttl/:minutes": change((sandbox, call) =>
      sandbox.lifetimes.setTtl(Number(call.param("minutes"))),
    ),
  };
}

function toPort(call: Call): number {
  const port = Number(call.param("port"));
  if (!(port >= 1 && port <= MOST_PORT)) throw new ApiError(400, "Invalid port", SOURCE);
  return port;
}
