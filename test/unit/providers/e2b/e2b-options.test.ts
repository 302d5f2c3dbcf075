import { describe, expect, it } from "vitest";
import { createE2bProvider } from "../../../../src/providers/e2b/e2b-provider.ts";
import { parseE2bOptions, readServers } from "../../../../src/providers/e2b/e2b-options.ts";

describe("the options of a target on E2B", () => {
  it("are E2B's defaults when none is given, or all are empty", () => {
    const none = { autoPause: false, maxConcurrent: 20 };

    expect(parseE2bOptions({})).toEqual(none);
    expect(parseE2bOptions({ domain: " ", autoPause: "", maxConcurrent: "" })).toEqual(none);
  });

  it("are read", () => {
    const options = { domain: "e2b.example.com", autoPause: "true", maxConcurrent: "100" };

    expect(parseE2bOptions(options)).toEqual({ domain: "e2b.example.com", autoPause: true, maxConcurrent: 100 });
    expect(createE2bProvider(options, { stateFolder: "/x", env: {}, platform: "linux" })).toMatchObject({
      maxConcurrentSandboxes: 100,
      savedStatePlace: "e2b/e2b.example.com/nobody",
    });
  });

  it.each([
    { domain: "https://e2b.example.com" },
    { domain: "e2b.example.com/path" },
    { domain: "user@e2b.example.com" },
    { domain: "localhost" },
    { autoPause: "yes" },
    { maxConcurrent: "0" },
    { maxConcurrent: "many" },
  ])("are refused: %j", (options) => {
    expect(() => parseE2bOptions(options)).toThrow(expect.objectContaining({ code: "invalid" }));
    expect(() => parseE2bOptions(options)).toThrow(Object.keys(options)[0]);
  });

  it("offer to look for what paused by itself only where that was asked for", () => {
    const deps = { stateFolder: "/x", env: {}, platform: "linux" } as const;

    expect(createE2bProvider({ autoPause: "true" }, deps)).toHaveProperty("findPaused");
    expect(createE2bProvider({}, deps)).not.toHaveProperty("findPaused");
  });
});

describe("where E2B is", () => {
  it("is E2B's own place without options and variables", () => {
    expect(readServers(parseE2bOptions({}), {})).toEqual({ domain: "e2b.app", apiUrl: "https://api.e2b.app" });
  });

  it("is the target's domain rather than the environment's", () => {
    const options = parseE2bOptions({ domain: "mine.example.com" });

    expect(readServers(options, { E2B_DOMAIN: "other.example.com" })).toEqual({
      domain: "mine.example.com",
      apiUrl: "https://api.mine.example.com",
    });
    expect(readServers(parseE2bOptions({}), { E2B_DOMAIN: "other.example.com" }).domain).toBe("other.example.com");
  });

  it("is where the variables for servers lead", () => {
    const env = { E2B_API_URL: "http://127.0.0.1:1", E2B_SANDBOX_URL: "https://proxy.example.com" };

    expect(readServers(parseE2bOptions({}), env)).toEqual({
      domain: "e2b.app",
      apiUrl: "http://127.0.0.1:1",
      sandboxUrl: "https://proxy.example.com",
    });
  });

  it.each([
    { E2B_API_URL: "http://example.com" },
    { E2B_SANDBOX_URL: "http://10.0.0.1" },
    { E2B_DOMAIN: "example.com/x" },
  ])("may not be %j, to which a key would travel in the open", async (env) => {
    expect(() => readServers(parseE2bOptions({}), env)).toThrow(expect.objectContaining({ code: "invalid" }));

    const deps = { stateFolder: "/x", env, platform: "linux", readCredential: () => ({ apiKey: "e2b_x" }) } as const;
    const call = { signal: new AbortController().signal, logger: console };
    await expect(createE2bProvider({}, deps).check(call)).rejects.toMatchObject({ code: "invalid" });
  });
});
