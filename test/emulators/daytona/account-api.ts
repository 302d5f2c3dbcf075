import { randomUUID } from "node:crypto";
import { ApiError } from "./api-error.ts";
import type { Account } from "./account.ts";
import type { Cloud } from "./cloud.ts";
import { type Routes, readJson } from "./routes.ts";
import { ORGANIZATION_ID } from "./to-dto.ts";

const CREATED_AT = new Date(0);
const USER_ID = "emulator-user";
const REGION = { id: "us", name: "us", regionType: "shared" };

/** What there is besides sandboxes and snapshots: who one is, where, what one has; volumes by name, which cannot be mounted. */
export function toAccountRoutes(cloud: Cloud, url: () => string): Routes {
  const volumes = new Map<string, { readonly id: string; readonly name: string }>();
  const findVolume = (idOrName: string) => {
    const found = [...volumes.values()].find(({ id, name }) => id === idOrName || name === idOrName);
    if (!found) throw new ApiError(404, `Volume ${idOrName} not found`, { source: "DAYTONA_API" });
    return found;
  };
  const { account } = cloud.parts;
  const organization = () => toOrganization(account);
  return {
    "GET /health": () => ({ status: "ok" }),
    "GET /config": () => ({ version: "0.216.0", proxyTemplateUrl: url(), proxyToolboxUrl: `${url()}/toolbox` }),
    "GET /users/me": () => ({
      id: USER_ID,
      name: "Emulator",
      email: "emulator@localhost",
      publicKeys: [],
      createdAt: CREATED_AT,
    }),
    "GET /api-keys/current": () => ({
      name: "emulator",
      value: "dtn_***",
      createdAt: CREATED_AT,
      permissions: [],
      userId: USER_ID,
    }),
    "GET /organizations": () => [organization()],
    "GET /organizations/:organization": organization,
    "GET /organizations/:organization/usage": () => ({ regionUsage: [toUsage(cloud)], totalSnapshotQuota: 30 }),
    "GET /regions": () => [REGION],
    "GET /shared-regions": () => [REGION],
    "GET /volumes": () => [...volumes.values()],
    "GET /volumes/:volume": (call) => findVolume(call.param("volume")),
    "GET /volumes/by-name/:volume": (call) => findVolume(call.param("volume")),
    "POST /volumes": async (call) => {
      const { name } = await readJson<{ readonly name: string }>(call);
      const volume = { id: randomUUID(), name, organizationId: ORGANIZATION_ID, state: "ready", createdAt: new Date() };
      volumes.set(volume.id, volume);
      return volume;
    },
    "DELETE /volumes/:volume": (call) => void volumes.delete(findVolume(call.param("volume")).id),
  };
}

function toOrganization({ limits }: Account): object {
  return {
    id: ORGANIZATION_ID,
    name: "Emulator",
    createdBy: USER_ID,
    personal: true,
    suspended: false,
    defaultRegionId: REGION.id,
    sandboxCreateRateLimit: Number.isFinite(limits.createsPerMinute) ? limits.createsPerMinute : null,
    createdAt: CREATED_AT,
  };
}

/** `RegionUsageOverview` of the API. */
function toUsage({ living, parts }: Cloud): object {
  const sum = (name: "cpu" | "memory" | "disk" | "gpu") =>
    living.reduce((total, { resources }) => total + resources[name], 0);
  const { limits } = parts.account;
  return {
    regionId: REGION.id,
    totalCpuQuota: limits.cpu,
    currentCpuUsage: sum("cpu"),
    totalMemoryQuota: limits.memory,
    currentMemoryUsage: sum("memory"),
    totalDiskQuota: limits.disk,
    currentDiskUsage: sum("disk"),
    totalGpuQuota: limits.gpu,
    currentGpuUsage: sum("gpu"),
  };
}
