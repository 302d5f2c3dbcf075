import { createHmac } from "node:crypto";
import type { Sandbox } from "@daytona/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DaytonaEmulator, startDaytonaEmulator } from "../emulators/daytona/daytona-emulator.ts";
import { type ConnectedSdk, connectSdk } from "../emulators/daytona/sdk.ts";

let emulator: DaytonaEmulator;
let sdk: ConnectedSdk;
let sandbox: Sandbox;

beforeAll(async () => {
  emulator = await startDaytonaEmulator();
  sdk = await connectSdk(emulator);
  sandbox = await sdk.newSandbox();
});

afterAll(async () => {
  await sdk.close();
  await emulator.close();
});

describe("files of the emulated Daytona", () => {
  it("come and go, many at once, with what is the matter with each", async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 251));
    await sandbox.fs.uploadFiles([
      { source: bytes, destination: "/w/deep/a.bin" },
      { source: Buffer.from("\r\n--\r\n"), destination: '/w/it\'s "b".txt' },
    ]);

    const paths = ["/w/deep/a.bin", '/w/it\'s "b".txt', "/w/none", "/w"];
    const [first, second, third, fourth] = await sandbox.fs.downloadFiles(paths.map((source) => ({ source })));

    expect(Buffer.from(first?.result ?? []).equals(bytes)).toBe(true);
    expect(String(second?.result)).toBe("\r\n--\r\n");
    expect([third?.errorDetails?.code, fourth?.errorDetails?.code]).toEqual(["FILE_NOT_FOUND", "INVALID_FILE_PATH"]);
    await expect(sandbox.fs.downloadFile("/w/none")).rejects.toMatchObject({ name: "DaytonaFileNotFoundError" });
    const refused = sandbox.fs.uploadFile(Buffer.from("x"), "/etc/passwd/x");
    await expect(refused).rejects.toMatchObject({ statusCode: 400 });
  });

  it("are listed, described, found, moved and removed", async () => {
    await sandbox.process.executeCommand("mkdir -p /l/in && printf one >/l/in/a.txt && ln -s in/a.txt /l/link");

    expect((await sandbox.fs.listFiles("/l")).map(({ name, isDir, size }) => [name, isDir, size])).toEqual([
      ["in", true, expect.any(Number)],
      ["link", false, 3],
    ]);
    expect((await sandbox.fs.listFiles("/l", { depth: 2 })).map(({ path }) => path)).toContain("/l/in/a.txt");
    await sandbox.fs.setFilePermissions("/l/in/a.txt", { mode: "600" });
    expect(await sandbox.fs.getFileDetails("/l/in/a.txt")).toMatchObject({ permissions: "0600", mode: "-rw-------" });
    expect((await sandbox.fs.searchFiles("/l", "*.txt")).files).toEqual(["/l/in/a.txt"]);
    expect(await sandbox.fs.findFiles("/l/in", "one")).toEqual([{ file: "/l/in/a.txt", line: 1, content: "one" }]);
    await sandbox.fs.replaceInFiles(["/l/in/a.txt"], "one", "two");
    await sandbox.fs.moveFiles("/l/in/a.txt", "/l/b.txt");
    expect(String(await sandbox.fs.downloadFile("/l/b.txt"))).toBe("two");
    await expect(sandbox.fs.moveFiles("/l/b.txt", "/l/in")).rejects.toMatchObject({ statusCode: 409 });
    await sandbox.fs.createFolder("/l/new", "700");
    await expect(sandbox.fs.deleteFile("/l/new")).rejects.toThrow("without recursive flag");
    await sandbox.fs.deleteFile("/l", true);
    await expect(sandbox.fs.listFiles("/l")).rejects.toMatchObject({ statusCode: 404 });
  });

  it("pass by signed addresses, until those are too old or the key is another", async () => {
    const up = await sandbox.uploadUrl("/s/file");
    const down = await sandbox.downloadUrl("/s/file");
    expect((await fetch(up, { method: "POST", body: "signed" })).status).toBe(200);
    expect(await (await fetch(down)).text()).toBe("signed");

    expect((await fetch(down.replace("file&", "other&"))).status).toBe(401);
    const key = await fetch(`${emulator.url}/sandbox/${sandbox.id}/signing-key`, {
      headers: { Authorization: "Bearer dtn_emulator" },
    });
    const digest = createHmac("sha256", String(await key.json()))
      .update("v1:files:GET:/s/file:1")
      .digest("base64url");
    const old = `${down.split("?")[0]}?path=/s/file&expires=1&signature=v1_${digest}`;
    expect((await fetch(old)).status).toBe(401);
    await sandbox.rotateSigningKey();
    expect((await fetch(down)).status).toBe(401);
  });

  it("belong to the user of the default snapshot, who is not root", async () => {
    const own = await sdk.daytona.create();

    await own.fs.uploadFile(Buffer.from("x"), "mine");

    const { result } = await own.process.executeCommand("whoami; pwd; stat -c %U mine");
    expect(result).toBe("daytona\n/home/daytona\ndaytona\n");
    expect(await own.getWorkDir()).toBe("/home/daytona");
  });
});

describe("ports of the emulated Daytona", () => {
  it("are let in by a token, by the key, or by a signed address until that expires", async () => {
    const serve = "cd /tmp && echo page >page && python3 -u -m http.server 8123 2>&1";
    await sandbox.process.createSession("serves");
    const { cmdId } = await sandbox.process.executeSessionCommand("serves", { command: serve, runAsync: true });
    const heard = Promise.withResolvers<string>();
    void sandbox.process.getSessionCommandLogs("serves", cmdId, heard.resolve, ignore);
    await heard.promise;
    const { url, token } = await sandbox.getPreviewLink(8123);
    const signed = await sandbox.getSignedPreviewUrl(8123, 60);
    expect(await read(url)).toBe(401);
    expect(await read(url, { "x-daytona-preview-token": token })).toBe("page");
    expect(await read(url, { Authorization: "Bearer dtn_emulator" })).toBe("page");
    expect(await read(signed.url)).toBe("page");
    await sandbox.expireSignedPreviewUrl(8123, signed.token);
    expect(await read(signed.url)).toBe(401);
    const closed = await sandbox.getPreviewLink(8124);
    expect(await read(closed.url, { "x-daytona-preview-token": closed.token })).toBe(502);
    await sandbox.process.deleteSession("serves");
  });
});

function ignore(): void {}

/** The page, or the status that it is refused with. */
async function read(address: string, headers: Record<string, string> = {}): Promise<string | number> {
  const answer = await fetch(`${address}/page`, { headers });
  return answer.ok ? (await answer.text()).trim() : answer.status;
}
