import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  type EndpointSources,
  describeEndpoint,
  findEndpoint,
} from "../../../../src/providers/docker/find-endpoint.ts";

function machine(parts: {
  env?: NodeJS.ProcessEnv;
  platform?: NodeJS.Platform;
  files?: Record<string, string>;
  sockets?: Record<string, "usable" | "denied">;
}): EndpointSources {
  return {
    env: parts.env ?? {},
    platform: parts.platform ?? "linux",
    homeFolder: "/home/ada",
    readFile: (path) => parts.files?.[path],
    probeSocket: (path) => parts.sockets?.[path] ?? "missing",
  };
}

/** A message that holds `part`; typed, where vitest's matcher is any. */
function textWith(part: string): unknown {
  return expect.stringContaining(part);
}

function contextFiles(name: string, host: string, tls: Record<string, string> = {}): Record<string, string> {
  const id = createHash("sha256").update(name).digest("hex");
  const folder = "/home/ada/.docker/contexts";
  const certificates = Object.entries(tls).map(([file, text]) => [`${folder}/tls/${id}/docker/${file}`, text]);
  return {
    [`${folder}/meta/${id}/meta.json`]: JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }),
    ...Object.fromEntries(certificates),
  };
}

describe("finding the Docker daemon", () => {
  it("takes the user's host before everything else", () => {
    const found = findEndpoint(
      { host: "unix:///mine.sock", context: "other" },
      machine({ env: { DOCKER_HOST: "tcp://a:1" } }),
    );

    expect(found).toEqual({ kind: "socket", path: "/mine.sock" });
  });

  it("takes the user's context before DOCKER_HOST", () => {
    const files = contextFiles("colima", "unix:///home/ada/.colima/default/docker.sock");

    const found = findEndpoint({ context: "colima" }, machine({ env: { DOCKER_HOST: "tcp://a:1" }, files }));

    expect(found).toEqual({ kind: "socket", path: "/home/ada/.colima/default/docker.sock" });
  });

  it("takes DOCKER_HOST before DOCKER_CONTEXT, and that before the current context", () => {
    const files = {
      ...contextFiles("one", "unix:///one.sock"),
      ...contextFiles("two", "unix:///two.sock"),
      "/home/ada/.docker/config.json": JSON.stringify({ currentContext: "two" }),
    };

    expect(
      findEndpoint({}, machine({ files, env: { DOCKER_HOST: "unix:///env.sock", DOCKER_CONTEXT: "one" } })),
    ).toEqual({
      kind: "socket",
      path: "/env.sock",
    });
    expect(findEndpoint({}, machine({ files, env: { DOCKER_CONTEXT: "one" } }))).toEqual({
      kind: "socket",
      path: "/one.sock",
    });
    expect(findEndpoint({}, machine({ files }))).toEqual({ kind: "socket", path: "/two.sock" });
  });

  it("reads a context's certificates", () => {
    const files = contextFiles("far", "tcp://far:2376", { "ca.pem": "CA", "cert.pem": "CERT", "key.pem": "KEY" });

    expect(findEndpoint({ context: "far" }, machine({ files }))).toEqual({
      kind: "tcp",
      host: "far",
      port: 2376,
      tls: { ca: "CA", cert: "CERT", key: "KEY", skipVerify: false },
    });
  });

  it("reads the certificates of DOCKER_CERT_PATH and verifies the daemon", () => {
    const env = { DOCKER_HOST: "tcp://far:1234", DOCKER_CERT_PATH: "/certs" };

    expect(findEndpoint({}, machine({ env, files: { "/certs/ca.pem": "CA" } }))).toEqual({
      kind: "tcp",
      host: "far",
      port: 1234,
      tls: { ca: "CA", skipVerify: false },
    });
  });

  it.each([
    ["tcp://box", { kind: "tcp", host: "box", port: 2375 }],
    ["tcp://[::1]:99", { kind: "tcp", host: "::1", port: 99 }],
    ["box:99", { kind: "tcp", host: "box", port: 99 }],
    ["ssh://ada@box", { kind: "ssh", destination: "ada@box" }],
    ["ssh://box:2222", { kind: "ssh", destination: "box", port: 2222 }],
    ["npipe:////./pipe/docker_engine", { kind: "socket", path: "\\\\.\\pipe\\docker_engine" }],
  ])("understands %s", (host, endpoint) => {
    expect(findEndpoint({ host }, machine({}))).toEqual(endpoint);
  });

  it.each([
    "ftp://box",
    "unix://",
    "ssh://-oProxyCommand=touch",
    "ssh://-v",
    "ssh://ada:secret@box",
    "ssh://box/run/docker.sock",
    "tcp://",
  ])("refuses %s", (host) => {
    expect(() => findEndpoint({ host }, machine({}))).toThrow(expect.objectContaining({ code: "invalid" }));
  });

  it("refuses a context that does not exist by its name", () => {
    expect(() => findEndpoint({ context: "gone" }, machine({}))).toThrow(
      expect.objectContaining({ code: "invalid", message: textWith('"gone"') }),
    );
  });

  it("takes the first usual socket that may be used, before one that is denied", () => {
    const sockets = { "/var/run/docker.sock": "denied", "/run/user/1000/docker.sock": "usable" } as const;

    const found = findEndpoint({}, machine({ env: { XDG_RUNTIME_DIR: "/run/user/1000" }, sockets }));

    expect(found).toEqual({ kind: "socket", path: "/run/user/1000/docker.sock" });
  });

  it("returns a denied socket when there is no other, so that its error can say how to be let in", () => {
    expect(findEndpoint({}, machine({ sockets: { "/var/run/docker.sock": "denied" } }))).toEqual({
      kind: "socket",
      path: "/var/run/docker.sock",
    });
  });

  it("finds Podman's socket", () => {
    const sockets = { "/run/user/1000/podman/podman.sock": "usable" } as const;

    expect(findEndpoint({}, machine({ env: { XDG_RUNTIME_DIR: "/run/user/1000" }, sockets }))).toEqual({
      kind: "socket",
      path: "/run/user/1000/podman/podman.sock",
    });
  });

  it("says that Docker is not running when there is no socket at all", () => {
    expect(() => findEndpoint({}, machine({}))).toThrow(
      expect.objectContaining({ code: "unavailable", message: textWith("not running") }),
    );
  });

  it("looks at named pipes on Windows", () => {
    const sockets = { "\\\\.\\pipe\\docker_engine": "usable" } as const;

    const found = findEndpoint({}, machine({ platform: "win32", sockets }));

    expect(describeEndpoint(found)).toBe("\\\\.\\pipe\\docker_engine");
  });
});
