/** A context of a session's sandbox, as people see it. */
export interface CellContext {
  /** The provider's own. */
  readonly id: string;
  readonly language: string;
  /** The file whose cells it runs, relative, POSIX. */
  readonly path: string;
  /** How many cells it has run since it was started. */
  readonly count: number;
}
