/** Four levels, as VS Code's LogOutputChannel has them. Never given contents of files, credentials or environment values. */
export interface Logger {
  /** One line per call to a provider, with its duration in ms. */
  debug(message: string): void;
  /** What the user did. */
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Swallows everything; for callers that have nowhere to log to. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
