import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startHeartbeat } from "../../../../src/providers/daytona/heartbeat.ts";
import { createDaytonaClient } from "../../../../src/providers/daytona/load-sdk.ts";

const OPTIONS = { apiKey: "dtn_mine", apiUrl: "https://daytona.example.org/api", region: "eu" };
const VARIABLES = {
  DAYTONA_API_KEY: "dtn_other",
  DAYTONA_API_URL: "http://127.0.0.1:9/api",
  DAYTONA_TARGET: "other",
  DAYTONA_JWT_TOKEN: "eyJ.other.x",
  DAYTONA_ORGANIZATION_ID: "other",
  DAYTONA_OTEL_ENABLED: "true",
  // By these the SDK takes itself for a cloud function, where it does not look whether files arrived.
  FUNCTIONS_WORKER_RUNTIME: "node",
  VERCEL: "1",
};

describe("the package @daytona/sdk", () => {
  it("is Daytona's, in the version that this is written for", () => {
    const entry = fileURLToPath(import.meta.resolve("@daytona/sdk"));
    const text = readFileSync(`${entry.slice(0, entry.lastIndexOf("/esm/"))}/package.json`, "utf8");

    expect(JSON.parse(text)).toMatchObject({
      name: "@daytona/sdk",
      version: "0.216.0",
      repository: { url: "git+https://github.com/daytona/clients.git" },
    });
    expect(JSON.parse(readFileSync("package.json", "utf8"))).toMatchObject({
      dependencies: { "@daytona/sdk": "0.216.0" },
    });
    expect(readFileSync("src/providers/daytona/session-channel.ts", "utf8")).toContain('"0.216.0"');
  });
});

describe("a client for Daytona", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("has what it was given and nothing of the environment, which stays as it is", async () => {
    for (const [name, value] of Object.entries(VARIABLES)) vi.stubEnv(name, value);

    const client = await createDaytonaClient(OPTIONS);

    expect(client).toMatchObject({ apiKey: "dtn_mine", apiUrl: OPTIONS.apiUrl, target: "eu" });
    expect(client).toMatchObject({ jwtToken: undefined, organizationId: undefined, otelSdk: undefined });
    expect(process.env).toMatchObject(VARIABLES);
    expect(process.env).not.toHaveProperty("DAYTONA_EXPERIMENTAL_OTEL_ENABLED");
  });

  it("opens no socket for events, and asks instead", async () => {
    expect(await createDaytonaClient(OPTIONS)).toMatchObject({ eventDispatcher: undefined });
  });
});

describe("the sign of life for Daytona", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is given as long as something runs, whether or not it is heard", () => {
    vi.useFakeTimers();
    const refreshActivity = vi.fn<() => Promise<void>>(() => Promise.reject(new Error("not heard")));

    const heartbeat = startHeartbeat({ refreshActivity }, 1000);
    vi.advanceTimersByTime(3500);
    void heartbeat.dispose();
    vi.advanceTimersByTime(3500);

    expect(refreshActivity).toHaveBeenCalledTimes(3);
  });
});
