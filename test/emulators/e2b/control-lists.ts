import type { Account } from "./account.ts";
import type { ControlCall, ControlRoute } from "./control-api.ts";
import { ENVD_VERSION } from "./envd/envd.ts";
import type { Template } from "./messages.ts";
import type { EmulatedSandbox } from "./sandbox.ts";
import { toSnapshotId } from "./templates.ts";

const MAX_PAGE = 100;
const MEBIBYTE = 1024 ** 2;

/** What can be looked at: sandboxes, one sandbox, its use of the machine, snapshots and templates. */
export function toListing(): readonly ControlRoute[] {
  return [
    { name: "ListSandboxes", verb: "GET", path: /^\/(?:v2\/)?sandboxes$/, answer: listSandboxes },
    { name: "GetMetrics", verb: "GET", path: /^\/sandboxes\/([^/]+)\/metrics$/, answer: getMetrics },
    {
      name: "GetSandbox",
      verb: "GET",
      path: /^\/sandboxes\/([^/]+)$/,
      answer: (account, call) => sendPage(call, toDetail(account.get(call.id))),
    },
    { name: "ListSnapshots", verb: "GET", path: /^\/snapshots$/, answer: listSnapshots },
    {
      name: "ListTemplates",
      verb: "GET",
      path: /^\/(?:v2\/)?templates$/,
      answer: listTemplates,
    },
    {
      name: "GetTemplateAlias",
      verb: "GET",
      path: /^\/templates\/aliases\/(.+)$/,
      answer: (account, call) => sendPage(call, { templateID: account.templates.get(call.id).id, public: true }),
    },
  ];
}

function listSandboxes(account: Account, call: ControlCall): void {
  const { searchParams: query, pathname } = call.url;
  const states = pathname.startsWith("/v2") ? query.get("state")?.split(",") : ["running"];
  const after = query.get("startedAfter");
  const found = account.list({
    metadata: toMetadata(query.get("metadata") ?? ""),
    states: states ?? ["running", "paused"],
    startedAfter: after === null ? undefined : new Date(after),
    template: query.get("template") ?? undefined,
  });
  if (query.get("order") === "asc") found.reverse();
  sendPage(call, toPage(found, call).map(toListed));
}

function listSnapshots({ templates }: Account, call: ControlCall): void {
  const { searchParams: query } = call.url;
  const sandboxId = query.get("sandboxID");
  const name = query.get("name");
  const wanted = name === null ? undefined : templates.list("snapshot").find((one) => isNamed(one, name));
  const found = templates
    .list("snapshot")
    .filter((snapshot) => sandboxId === null || snapshot.sandboxId === sandboxId)
    .filter((snapshot) => name === null || snapshot === wanted);
  sendPage(
    call,
    toPage(found, call).map((one) => ({ snapshotID: toSnapshotId(one), names: one.names })),
  );
}

/** All at once; in pages from version 2 on. */
function listTemplates({ templates }: Account, call: ControlCall): void {
  const found = templates.list("template");
  sendPage(call, (call.url.pathname.startsWith("/v2") ? toPage(found, call) : found).map(toTemplate));
}

function isNamed(snapshot: Template, word: string): boolean {
  return [snapshot.id, ...snapshot.names].some((own) => own === word || own.endsWith(`/${word}`));
}

/** What the client asks for at once; where to go on is told in a header. */
function toPage<Item>(items: readonly Item[], { url, response }: ControlCall): Item[] {
  const start = Number(Buffer.from(url.searchParams.get("nextToken") ?? "", "base64url").toString() || 0);
  const limit = Math.min(Number(url.searchParams.get("limit") ?? MAX_PAGE), MAX_PAGE);
  const end = start + limit;
  if (end < items.length) response.setHeader("X-Next-Token", Buffer.from(String(end)).toString("base64url"));
  return items.slice(start, end);
}

function sendPage({ response }: ControlCall, body: object): void {
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(body));
}

/** Keys and values are encoded once by themselves and once as a query. */
function toMetadata(query: string): Map<string, string> {
  return new Map(
    [...new URLSearchParams(query)].map(([key, value]) => [decodeURIComponent(key), decodeURIComponent(value)]),
  );
}

function toListed({ id, parts, startedAt, endAt, state }: EmulatedSandbox) {
  const { template, create } = parts;
  return {
    sandboxID: id,
    templateID: template.id,
    alias: template.names[0],
    clientID: "6532622b",
    startedAt: startedAt.toISOString(),
    endAt: endAt.toISOString(),
    cpuCount: template.cpuCount,
    memoryMB: template.memoryMB,
    diskSizeMB: template.diskSizeMB,
    metadata: create.metadata ?? {},
    state,
    envdVersion: ENVD_VERSION,
    volumeMounts: [],
  };
}

function toDetail(sandbox: EmulatedSandbox) {
  const { network, envdToken, parts } = sandbox;
  const { allow_internet_access: allowInternetAccess = null, ...rules } = network;
  const { autoPause = false, autoResume } = parts.create;
  return {
    ...toListed(sandbox),
    envdAccessToken: envdToken,
    domain: null,
    allowInternetAccess,
    network: rules,
    lifecycle: { onTimeout: autoPause ? "pause" : "kill", autoResume: autoResume?.enabled ?? false },
  };
}

/** The machine's use is not measured: the sizes are those of the template, and nothing of them is used. */
function getMetrics(account: Account, call: ControlCall): void {
  const { cpuCount, memoryMB, diskSizeMB } = account.get(call.id).parts.template;
  const now = new Date();
  const memory = { memUsed: 0, memTotal: memoryMB * MEBIBYTE, memCache: 0 };
  const disk = { diskUsed: 0, diskTotal: diskSizeMB * MEBIBYTE };
  const time = { timestamp: now.toISOString(), timestampUnix: Math.floor(now.getTime() / 1000) };
  sendPage(call, [{ ...time, cpuCount, cpuUsedPct: 0, ...memory, ...disk }]);
}

function toTemplate({ id, names, cpuCount, memoryMB, diskSizeMB, createdAt }: Template) {
  const at = createdAt.toISOString();
  return {
    templateID: id,
    buildID: "00000000-0000-0000-0000-000000000000",
    cpuCount,
    memoryMB,
    diskSizeMB,
    public: true,
    aliases: names,
    names,
    createdAt: at,
    updatedAt: at,
    createdBy: null,
    lastSpawnedAt: null,
    spawnCount: 0,
    buildCount: 1,
    envdVersion: ENVD_VERSION,
    buildStatus: "ready",
  };
}
