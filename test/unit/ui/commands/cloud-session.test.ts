import { beforeEach, describe, expect, it } from "vitest";
import { openPort } from "../../../../src/ui/commands/open-port.ts";
import { pauseSession, resumeSession } from "../../../../src/ui/commands/pause-session.ts";
import { saveImage } from "../../../../src/ui/commands/save-image.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { fakeSession, settle, TARGET } from "../fake-engine.ts";

const MODAL = { ...TARGET, providerId: "modal" } as const;

beforeEach(() => resetFake({ ...SETTINGS }));

function setUp(overrides: Parameters<typeof fakeSession>[0] = {}) {
  const session = fakeSession({ target: MODAL, boundary: "gvisor", ...overrides });
  const { deps, engine } = fakeDeps();
  engine.sessions = [session];
  return { deps, engine, item: { kind: "session", session } as const };
}

describe("Open Port", () => {
  it("offers the ports that settings declare first, and opens the one that is picked after asking", async () => {
    const { deps, engine, item } = setUp({ target: { ...MODAL, ports: [8888, 3000] } });
    state.picks = ["8888"];
    state.answers = ["Open in Browser", undefined];
    await openPort(deps, item);

    expect(state.asked[0]?.labels).toEqual(["8888", "3000", "Another Port…"]);
    expect(engine.asked).toEqual(["port 8888 of s-1"]);
    expect(state.messages[0]).toMatchObject({ message: "Open a port of ws outside of this machine?" });
    expect(state.messages[0]?.detail).toContain("Everybody who knows the address reaches what listens there");
    expect(state.opened).toEqual(["https://8888.example/"]);
  });

  it("asks for a number where none is declared", async () => {
    const { deps, engine, item } = setUp();
    state.inputs = ["8080"];
    state.answers = ["Open in Browser"];
    await openPort(deps, item);

    expect(state.asked).toEqual([]);
    expect(engine.asked).toEqual(["port 8080 of s-1"]);
  });

  it.each(["0", "65536", "8e3", "-1", "x"])("refuses %s, which is no port", async (text) => {
    const { deps, engine, item } = setUp();
    state.inputs = [text];

    await expect(openPort(deps, item)).rejects.toMatchObject({ code: "invalid" });
    expect(engine.asked).toEqual([]);
  });

  it("asks once per session before an address outside of this machine is opened, and opens nothing without a yes", async () => {
    const { deps, item } = setUp();
    state.inputs = ["80", "80", "81"];
    state.answers = [undefined];
    await openPort(deps, item);
    expect(state.opened).toEqual([]);

    state.answers = ["Open in Browser", undefined, undefined];
    await openPort(deps, item);
    await settle();
    await openPort(deps, item);
    await settle();

    expect(state.opened).toEqual(["https://80.example/", "https://81.example/"]);
    expect(state.messages.filter(({ message }) => message.startsWith("Open a port"))).toHaveLength(2);
  });

  it("does not ask about an address of this machine", async () => {
    const { deps, engine, item } = setUp();
    engine.openPort = async () => ({ url: "http://127.0.0.1:4000/" });
    state.inputs = ["4000"];
    await openPort(deps, item);

    expect(state.opened).toEqual(["http://127.0.0.1:4000/"]);
  });

  it("shows the token to nobody, and copies it when that is asked for", async () => {
    const { deps, engine, item } = setUp();
    engine.openPort = async () => ({ url: "http://localhost/", token: "tk-secret" });
    state.inputs = ["1"];
    state.answers = ["Copy Token"];
    await openPort(deps, item);
    await settle();

    expect(state.copied).toEqual(["tk-secret"]);
    expect(JSON.stringify([state.messages, state.opened])).not.toContain("tk-secret");
  });

  it("says which header a token goes in, opens no browser, which sends none, and copies the header as it is sent", async () => {
    const { deps, engine, item } = setUp();
    engine.openPort = async () => ({ url: "https://80-x.e2b.app/", token: "tk-secret", tokenHeader: "e2b-token" });
    state.inputs = ["80"];
    state.answers = ["Copy Header"];
    await openPort(deps, item);
    await settle();

    expect(state.opened).toEqual([]);
    expect(state.messages.map(({ message }) => message)).toEqual([
      "The port is open at 80-x.e2b.app, for requests with its token in the header e2b-token. Browsers send none: use a program that does.",
    ]);
    expect(state.copied).toEqual(["e2b-token: tk-secret"]);
  });

  it.each(["file:///etc/passwd", "command:x", "vscode://a/b"])("opens no %s", async (url) => {
    const { deps, engine, item } = setUp();
    engine.openPort = async () => ({ url });
    state.inputs = ["1"];

    await expect(openPort(deps, item)).rejects.toMatchObject({ code: "invalid" });
    expect(state.opened).toEqual([]);
  });

  it("asks for a session among those whose provider opens ports", async () => {
    const { deps, engine } = setUp();
    engine.sessions = [
      fakeSession({ id: "local" }),
      fakeSession({ id: "one", name: "one", target: MODAL }),
      fakeSession({ id: "paused", name: "paused", target: MODAL, state: "paused" }),
    ];
    await openPort(deps, undefined);

    expect(state.asked[0]?.labels).toEqual(["one"]);
  });

  it("says so when no session can do it", async () => {
    const { deps, engine } = setUp();
    engine.sessions = [fakeSession()];
    await openPort(deps, undefined);

    expect(state.messages[0]?.message).toBe("There is no session that can do this.");
  });
});

describe("Save Image", () => {
  it("names the image, and makes it what new sandboxes start from when that is asked for", async () => {
    const { deps, item } = setUp();
    state.answers = ["Start New Sandboxes from It"];
    await saveImage(deps, item);
    await settle();

    expect(state.messages[0]?.message).toBe("The file system is kept as the image im-1.");
    expect(state.settings["sandpiper.modal.image"]).toBe("im-1");
  });

  it("copies the id when that is asked for, and changes no setting", async () => {
    const { deps, item } = setUp();
    state.answers = ["Copy Id"];
    await saveImage(deps, item);
    await settle();

    expect(state.copied).toEqual(["im-1"]);
    expect(state.settings).toEqual(SETTINGS);
  });
});

describe("a session", () => {
  it("is paused and resumed, and the views know at once", async () => {
    const { deps, engine, item } = setUp();
    await pauseSession(deps, item);
    expect(deps.store.session("s-1")?.state).toBe("paused");
    await resumeSession(deps, item);

    expect(deps.store.session("s-1")?.state).toBe("ready");
    expect(engine.asked).toEqual(["pause s-1", "resume s-1"]);
  });

  it("52: is not resumed in a workspace that is not trusted", async () => {
    const { deps, item, engine } = setUp();
    state.isTrusted = false;

    await expect(resumeSession(deps, item)).rejects.toMatchObject({ code: "blocked" });
    expect(engine.asked).toEqual([]);
  });
});
