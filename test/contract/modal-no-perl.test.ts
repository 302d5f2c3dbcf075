import { existsSync } from "node:fs";
import type { Sandbox as SdkSandbox } from "modal";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox } from "../../src/core/sandbox.ts";
import { createModalProvider } from "../../src/providers/modal/modal-provider.ts";
import { toSetupCommand } from "../../src/providers/modal/setup-script.ts";
import { startModalEmulator } from "../emulators/modal/modal-emulator.ts";
import { connectSdk, run } from "../emulators/modal/sdk.ts";
import { MODAL_SPEC, toEmulatorDeps } from "./modal-subject.ts";
import { newCall, runToEnd, startText, waitForText } from "./run-to-end.ts";

const emulator = await startModalEmulator();
afterAll(() => emulator.close());

const hide = (program: string): string => `mount --bind /dev/null /usr/bin/${program}`;

describe("a sandbox at Modal whose image has no perl", () => {
  let sandbox: Sandbox;
  let inside: SdkSandbox;

  beforeAll(async () => {
    const made = await createModalProvider({}, toEmulatorDeps(emulator.url)).create(MODAL_SPEC, newCall());
    const { modal } = await connectSdk(emulator);
    inside = await modal.sandboxes.fromId(made.id);
    const { code } = await run(inside, ["sh", "-c", hide("perl")], { workdir: "/" });
    expect(code).toBe(0);
    const { stdout } = await run(inside, toSetupCommand(MODAL_SPEC, "without-perl"), { workdir: "/" });
    expect(stdout).toBe("sandpiper-ready shell\n");
    // Asks anew what there is.
    sandbox = await createModalProvider({}, toEmulatorDeps(emulator.url)).connect(made.id, newCall());
  });
  afterAll(() => sandbox?.destroy(newCall()));

  it("keeps streams, codes, folders and users as with it", async () => {
    const { stdout, stderr, status } = await runToEnd(sandbox, [
      "sh",
      "-c",
      "perl -v; id -u; pwd; cat; echo err >&2; exit 3",
    ]);

    expect(stdout).toBe(`1000\n${sandbox.workspace}\n`);
    expect(stderr).toMatch(/perl: .*\nerr\n$/s);
    expect(status).toEqual({ kind: "exited", code: 3 });
  });

  it.each(["TERM", "KILL"] as const)("signals with SIG%s", async (name) => {
    const running = await startText(sandbox, ["sh", "-c", "echo ready; sleep 60"]);
    await waitForText(running, "ready");

    await running.process.signal(name);

    expect(await running.process.exit).toEqual({ kind: "signaled", signal: `SIG${name}` });
  });

  it("has terminals of any size, which tell of a new one", async () => {
    const script = "stty size; trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done";
    const running = await startText(sandbox, ["sh", "-c", script], { pty: { columns: 91, rows: 33 } });
    await waitForText(running, /33 91\r\nready/);

    await running.process.resize({ columns: 120, rows: 50 });

    await waitForText(running, "50 120");
    await running.process.signal("KILL");
    expect(await running.process.exit).toEqual({ kind: "signaled", signal: "SIGKILL" });
  });

  it("ends the input of a terminal", async () => {
    const running = await startText(sandbox, ["sh", "-c", "cat; echo over"], { pty: { columns: 91, rows: 33 } });
    await running.process.write(Buffer.from("typed\r"));
    await waitForText(running, /typed\r\ntyped/);

    await running.process.closeStdin();

    await waitForText(running, "over");
    expect(await running.process.exit).toEqual({ kind: "exited", code: 0 });
  });

  it("becomes another user by su where there is nothing else, as in busybox", async ({ skip }) => {
    if (!existsSync("/usr/bin/busybox")) skip("needs busybox");
    const tools = ["mount --bind /usr/bin/busybox /usr/bin/su", ...["setpriv", "unshare"].map(hide)].join(" && ");
    expect((await run(inside, ["sh", "-c", tools], { workdir: "/" })).code).toBe(0);
    const { stdout } = await run(inside, toSetupCommand(MODAL_SPEC, "again"), { workdir: "/" });
    expect(stdout).toContain("sandpiper-ready");
    expect((await run(inside, ["grep", "^exec su ", "/.sandpiper/enter.sh"])).code).toBe(0);

    const script = 'id -u; grep CapEff /proc/self/status; printf "<%s>" "$@"';
    const ended = await runToEnd(sandbox, ["sh", "-c", script, "x", "-c", "a 'b"]);

    expect(ended.stdout).toBe("1000\nCapEff:\t0000000000000000\n<-c><a 'b>");
    expect(ended.status).toEqual({ kind: "exited", code: 0 });
  });

  it("is brought files, and gives them back", async () => {
    await sandbox.apply({ deletes: [] }, newCall());
    await runToEnd(sandbox, ["sh", "-c", "echo text >made"]);

    expect((await sandbox.list(newCall())).touched).toEqual(["made"]);
  });
});

describe("a sandbox at Modal that had perl", () => {
  let sandbox: Sandbox;
  let inside: SdkSandbox;

  beforeAll(async () => {
    sandbox = await createModalProvider({}, toEmulatorDeps(emulator.url)).create(MODAL_SPEC, newCall());
    const { modal } = await connectSdk(emulator);
    inside = await modal.sandboxes.fromId(sandbox.id);
  });
  afterAll(() => sandbox?.destroy(newCall()));

  it("leaves commands no way to be root", async () => {
    const script = 'id -u; id -g; id -G; grep -E "^(Uid|Gid|CapPrm|CapEff|CapAmb|NoNewPrivs):" /proc/self/status';
    const { stdout } = await runToEnd(sandbox, ["sh", "-c", script]);

    const ids = "\t1000\t1000\t1000\t1000";
    const none = "\t0000000000000000";
    const status = [`Uid:${ids}`, `Gid:${ids}`, `CapPrm:${none}`, `CapEff:${none}`, `CapAmb:${none}`, "NoNewPrivs:\t1"];
    expect(stdout.trim().split("\n")).toEqual(["1000", "1000", "1000", ...status]);
  });

  it("runs nothing once perl is gone, as that would run as root", async () => {
    expect((await run(inside, ["sh", "-c", hide("perl")], { workdir: "/" })).code).toBe(0);

    const { status, stderr } = await runToEnd(sandbox, ["touch", "/made-by-root"]);

    expect(stderr).toBe("sandpiper: perl is gone from the sandbox\n");
    expect(status.kind).toBe("lost");
    expect((await run(inside, ["test", "-e", "/made-by-root"])).code).toBe(1);
  });
});
