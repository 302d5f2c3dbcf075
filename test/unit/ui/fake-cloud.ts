import type { ImageOffer, ProviderId } from "../../../src/core/provider.ts";
import type { PortAddress } from "../../../src/core/sandbox.ts";
import type { CellContext } from "../../../src/sessions/cells/cell-context.ts";
import type { CloudEngine } from "../../../src/sessions/cloud-engine.ts";
import type {
  BatchPlan,
  BatchRecord,
  CostPolicy,
  CostReport,
  GpuOffer,
  Rate,
  SavedImage,
} from "../../../src/sessions/cloud-records.ts";
import type { Credential } from "../../../src/sessions/credentials.ts";
import type { RunRequest, SessionRecord, Target } from "../../../src/sessions/records.ts";

export const TARGET: Target = {
  providerId: "local",
  options: {},
  network: "none",
  memoryMiB: 2048,
  cpus: 2,
  maxProcesses: 512,
  diskMiB: 4096,
  lifetimeMs: 3_600_000,
};

export function fakeSession(overrides: Partial<SessionRecord> = {}): SessionRecord {
  return {
    version: 1,
    id: "s-1",
    name: "ws",
    workspaceRoot: "/ws",
    target: TARGET,
    boundary: "namespaces",
    state: "ready",
    createdAt: "2026-01-01T10:00:00.000Z",
    expiresAt: new Date(Date.now() + 42 * 60_000).toISOString(),
    lastUsedAt: "2026-01-01T10:00:00.000Z",
    ...overrides,
  };
}

export function fakeBatch(overrides: Partial<BatchRecord> = {}): BatchRecord {
  return {
    version: 1,
    id: "batch-1",
    title: "train.py",
    workspaceRoot: "/ws",
    providerId: "modal",
    snapshotId: "snapshot-1",
    count: 3,
    concurrency: 2,
    state: "running",
    queued: 1,
    active: 2,
    succeeded: 0,
    failed: 0,
    costUsd: 0,
    requestedAt: "2026-01-01T10:00:00.000Z",
    ...overrides,
  };
}

/** The part of an engine in memory that deals with accounts and money. */
export class FakeCloud implements CloudEngine {
  readonly asked: string[] = [];
  readonly requests: RunRequest[] = [];
  gpus: readonly GpuOffer[] = [];
  rate: Rate | undefined;
  costs: CostReport = {
    at: "2026-01-01T10:00:00.000Z",
    todayUsd: 0,
    monthUsd: 0,
    usdPerHour: 0,
    isPartial: false,
    policy: { perRunUsd: 0, perDayUsd: 0, prices: {} },
  };
  batches: BatchRecord[] = [];
  images: readonly ImageOffer[] = [];
  contexts: readonly CellContext[] = [];
  async listImages(): Promise<readonly ImageOffer[]> {
    return this.images;
  }
  async listContexts(): Promise<readonly CellContext[]> {
    return this.contexts;
  }
  async restartContext(sessionId: string, contextId: string): Promise<void> {
    this.asked.push(`restart ${contextId} of ${sessionId}`);
  }
  async setCredential(providerId: ProviderId, credential: Credential | undefined): Promise<void> {
    this.asked.push(`credential ${providerId} ${credential ? Object.keys(credential).join() : "none"}`);
  }
  async listGpus(): Promise<readonly GpuOffer[]> {
    return this.gpus;
  }
  async estimateRate(): Promise<Rate | undefined> {
    return this.rate;
  }
  async readCosts(): Promise<CostReport> {
    return this.costs;
  }
  async setCostPolicy(policy: CostPolicy): Promise<void> {
    this.asked.push(`cost policy ${JSON.stringify(policy)}`);
  }
  async setWarmPool(size: number): Promise<void> {
    this.asked.push(`warm ${size}`);
  }
  async startBatch(request: RunRequest, { count, concurrency }: BatchPlan): Promise<BatchRecord> {
    this.asked.push(`batch of ${count} by ${concurrency ?? "limit"}`);
    this.requests.push(request);
    return fakeBatch({ count });
  }
  async stopBatch(batchId: string): Promise<void> {
    this.asked.push(`stop batch ${batchId}`);
  }
  async listBatches(): Promise<readonly BatchRecord[]> {
    return this.batches;
  }
  async openPort(sessionId: string, port: number): Promise<PortAddress> {
    this.asked.push(`port ${port} of ${sessionId}`);
    return { url: `https://${port}.example` };
  }
  async saveImage(sessionId: string): Promise<SavedImage> {
    this.asked.push(`image of ${sessionId}`);
    return { id: "im-1", providerId: "modal" };
  }
  async pauseSession(sessionId: string): Promise<SessionRecord> {
    this.asked.push(`pause ${sessionId}`);
    return fakeSession({ id: sessionId, state: "paused" });
  }
  async resumeSession(sessionId: string): Promise<SessionRecord> {
    this.asked.push(`resume ${sessionId}`);
    return fakeSession({ id: sessionId });
  }
}
