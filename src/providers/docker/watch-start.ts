import type Docker from "dockerode";

/** What process 1 of a container prints once it is in charge. */
export const READY_WORD = "sandpiper-ready";

// Frames are 8 bytes longer than what they carry, and a failing start may say a few lines.
const MOST_BYTES = 16 * 1024;

/** Waits for a container's first process to be in charge. */
export interface StartWatch {
  /** Resolves with whether it is; false once the container has ended. Never rejects. */
  readonly isReady: Promise<boolean>;
  dispose(): void;
}

/**
 * Attaches to a container that is not started yet. Docker calls a container running that will find only a moment later
 * that it cannot run its program: the program's own word is what tells.
 */
export async function watchStart(container: Docker.Container, signal: AbortSignal): Promise<StartWatch> {
  const stream = await container.attach({ stream: true, stdout: true, stderr: true, abortSignal: signal });
  const isReady = new Promise<boolean>((resolve) => {
    let text = "";
    stream.on("data", (chunk: Buffer) => {
      text = (text + chunk.toString("latin1")).slice(-MOST_BYTES);
      if (text.includes(READY_WORD)) resolve(true);
    });
    for (const over of ["end", "close", "error"]) stream.once(over, () => resolve(false));
  });
  return {
    isReady,
    dispose: () => {
      if ("destroy" in stream && typeof stream.destroy === "function") stream.destroy();
    },
  };
}
