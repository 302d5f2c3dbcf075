/**
 * A command line for Windows that runs `argv` in a WSL distribution, as it is: `--exec` goes past the shell of the
 * distribution, and `--cd /` past the Windows folder we are in. Not yet run on Windows.
 */
export function toWslCommand(argv: readonly string[], distribution?: string): string[] {
  return ["wsl.exe", ...(distribution ? ["--distribution", distribution] : []), "--cd", "/", "--exec", ...argv];
}

/** Environment for wsl.exe: WSLENV names what crosses into Linux, and that is nothing. */
export function toWslEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  const { SystemRoot = "C:\\Windows" } = env;
  return { SystemRoot, WSLENV: "", WSL_UTF8: "1" };
}
