import { describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { createPullProgress } from "../../../../src/providers/docker/pull-image.ts";
import { toSshArguments } from "../../../../src/providers/docker/ssh-agent.ts";
import { toSandboxError } from "../../../../src/providers/docker/to-sandbox-error.ts";
import { toEndReason } from "../../../../src/providers/docker/why-lost.ts";

const PLACE = "/run/docker.sock";

function fromSocket(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

function fromDaemon(statusCode: number, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) server error - ${message} `), { statusCode });
}

describe("what Docker throws", () => {
  it.each([
    ["no daemon", fromSocket("ECONNREFUSED"), "unavailable", "not running"],
    ["no socket", fromSocket("ENOENT"), "unavailable", "not running"],
    ["a socket of others", fromSocket("EACCES"), "unavailable", "docker group"],
    ["a bad certificate", fromSocket("SELF_SIGNED_CERT_IN_CHAIN"), "invalid", "certificates"],
    ["an unknown host", fromSocket("ENOTFOUND"), "unavailable", "can't be reached"],
    ["a broken connection", fromSocket("ECONNRESET"), "unavailable", "broke"],
    [
      "a failing ssh",
      Object.assign(new Error("Host key verification failed."), { code: "ESSH" }),
      "unavailable",
      "Host key",
    ],
    [
      "plain HTTP on a TLS port",
      fromDaemon(400, "Client sent an HTTP request to an HTTPS server."),
      "invalid",
      "DOCKER_TLS_VERIFY",
    ],
    ["an unknown runtime", fromDaemon(400, "Unknown runtime specified runsc"), "unsupported", "daemon.json"],
    [
      "no GPU",
      fromDaemon(500, 'could not select device driver "nvidia" with capabilities: [[gpu]]'),
      "unsupported",
      "Container Toolkit",
    ],
    ["another processor", fromDaemon(404, "no matching manifest for linux/arm64/v8"), "unsupported", "processor"],
    ["no shell", fromDaemon(400, 'exec: "/bin/sh": stat /bin/sh: no such file or directory'), "invalid", "/bin/sh"],
    ["a full disk", fromDaemon(500, "write /var/lib/docker: no space left on device"), "quota", "prune"],
    ["a container that is gone", fromDaemon(404, "No such container: x"), "not-found", "No such container"],
    ["anything else", fromDaemon(500, "boom"), "unavailable", "Docker: boom"],
  ])("%s becomes something to act on", (_name, cause, code, part) => {
    const error = toSandboxError(cause, PLACE);

    expect(error.code).toBe(code);
    expect(error.message).toContain(part);
    expect(error.cause).toBe(cause);
  });

  it("stays as it is when it was ours already", () => {
    const error = new SandboxError("blocked", "no");

    expect(toSandboxError(error, PLACE)).toBe(error);
  });
});

describe("why a container is gone", () => {
  const bounds = { expiresAt: new Date(Date.now() + 60_000), memoryMiB: 256 };

  it.each([
    ["somebody removed it", [{ action: "oom" }, { action: "kill", signal: "9" }, { action: "die" }], "destroyed"],
    ["its memory ran out", [{ action: "oom" }, { action: "die" }], "256 MiB"],
    ["it crashed after we signalled it", [{ action: "kill", signal: "10" }, { action: "die" }], "ended by itself"],
    ["nothing is known", [], "destroyed"],
  ])("%s", (_name, events, part) => {
    expect(toEndReason(events, bounds)).toContain(part);
  });

  it("its time was up", () => {
    expect(toEndReason([{ action: "die" }], { ...bounds, expiresAt: new Date() })).toContain("end of its lifetime");
  });
});

describe("the progress of a pull", () => {
  it("sums the layers and speaks only when the figure changes", () => {
    const said: string[] = [];
    const onEvent = createPullProgress("box", (message) => said.push(message));

    onEvent({ status: "Pulling from library/box" });
    onEvent({ id: "a", status: "Downloading", progressDetail: { current: 10, total: 100 } });
    onEvent({ id: "b", status: "Downloading", progressDetail: { current: 0, total: 100 } });
    onEvent({ id: "b", status: "Downloading", progressDetail: { current: 0, total: 100 } });
    onEvent({ id: "a", status: "Download complete" });
    onEvent({ id: "b", status: "Pull complete" });

    expect(said).toEqual(["Pulling box, 10 %", "Pulling box, 5 %", "Pulling box, 50 %", "Pulling box, 100 %"]);
  });
});

describe("the way to a Docker over SSH", () => {
  it("is the user's ssh, which asks nothing and cannot take the host for an option", () => {
    const args = toSshArguments({ kind: "ssh", destination: "ada@box", port: 2222 });

    expect(args).toEqual(expect.arrayContaining(["BatchMode=yes", "-p", "2222"]));
    expect(args.slice(args.indexOf("--"))).toEqual(["--", "ada@box", "docker", "system", "dial-stdio"]);
  });
});
