import type { PortAddress } from "../core/sandbox.ts";
import type { ImageOffer, ProviderId } from "../core/provider.ts";
import type { Credential } from "./credentials.ts";
import type { CellContext } from "./cells/cell-context.ts";
import type { BatchPlan, BatchRecord, CostPolicy, CostReport, GpuOffer, Rate, SavedImage } from "./cloud-records.ts";
import type { RunRequest, SessionRecord, Target } from "./records.ts";

/** The part of the engine that deals with accounts, money and sandboxes elsewhere. */
export interface CloudEngine {
  /** Kept in memory alone, until it is replaced; undefined signs out. What `checkTarget` says then tells whether it works. */
  setCredential(providerId: ProviderId, credential: Credential | undefined): Promise<void>;
  /** Those that the target's provider has, in its order; [] where it has none. */
  listGpus(target: Target): Promise<readonly GpuOffer[]>;
  /** What a sandbox as the target describes it would cost; undefined when a price is not known. */
  estimateRate(target: Target): Promise<Rate | undefined>;
  /** What the target's provider has to start from; [] where any image of a registry will do. */
  listImages(target: Target): Promise<readonly ImageOffer[]>;
  readCosts(): Promise<CostReport>;
  /** Kept for every door; takes effect at once. */
  setCostPolicy(policy: CostPolicy): Promise<void>;
  /** How many idle sandboxes like the last one used are kept ready on each provider that charges by the hour; 0 is none. */
  setWarmPool(size: number): Promise<void>;
  /** Sends one snapshot of the workspace to many sandboxes; resolves once it is on record. Each run is a run like any other. */
  startBatch(request: RunRequest, plan: BatchPlan): Promise<BatchRecord>;
  /** Starts no more of its runs and stops those that go on. Resolves when all have ended. */
  stopBatch(batchId: string): Promise<void>;
  /** Newest first. */
  listBatches(): Promise<readonly BatchRecord[]>;
  /** @throws {SandboxError} `unsupported` where the provider opens no ports, or had to know this one at the start */
  openPort(sessionId: string, port: number): Promise<PortAddress>;
  /** @throws {SandboxError} `unsupported` where the provider keeps no images */
  saveImage(sessionId: string): Promise<SavedImage>;
  /** Keeps memory and files and ends the sandbox. @throws {SandboxError} `unsupported`; `conflict` while a run uses it */
  pauseSession(sessionId: string): Promise<SessionRecord>;
  resumeSession(sessionId: string): Promise<SessionRecord>;
  /** Where the session's cells keep their state; [] when none has run. */
  listContexts(sessionId: string): Promise<readonly CellContext[]>;
  /** Forgets a context's state; a cell that runs in it ends. @throws {SandboxError} `not-found` */
  restartContext(sessionId: string, contextId: string): Promise<void>;
}
