import { describe, expect, it } from "vitest";
import { DisposableStore } from "../../../src/core/disposable-store.ts";
import { Emitter } from "../../../src/core/event.ts";

describe("a disposable store", () => {
  it("ends what it owns last-in first-out and waits for each", async () => {
    const store = new DisposableStore();
    const ended: string[] = [];
    store.add({ dispose: () => void ended.push("first") });
    store.add({
      dispose: async () => {
        await Promise.resolve();
        ended.push("second");
      },
    });

    await store.dispose();

    expect(ended).toEqual(["second", "first"]);
  });

  it("ends the others when one fails, then reports all failures", async () => {
    const store = new DisposableStore();
    let isEnded = false;
    store.add({ dispose: () => void (isEnded = true) });
    store.add({ dispose: () => Promise.reject(new Error("stuck")) });

    await expect(store.dispose()).rejects.toMatchObject({ errors: [{ message: "stuck" }] });

    expect(isEnded).toBe(true);
  });

  it("ends at once what is added after its own end", async () => {
    const store = new DisposableStore();
    await store.dispose();
    let isEnded = false;

    store.add({ dispose: () => void (isEnded = true) });

    expect(isEnded).toBe(true);
  });
});

describe("an emitter", () => {
  it("tells every listener in the order they subscribed until they unsubscribe", () => {
    const emitter = new Emitter<number>();
    const heard: string[] = [];
    emitter.event((value) => void heard.push(`a${value}`));
    const second = emitter.event((value) => void heard.push(`b${value}`));

    emitter.fire(1);
    second.dispose();
    emitter.fire(2);

    expect(heard).toEqual(["a1", "b1", "a2"]);
  });
});
