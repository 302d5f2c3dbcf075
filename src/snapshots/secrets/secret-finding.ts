/** Something in a file that looks like a credential. Never holds the credential itself. */
export interface SecretFinding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** What it looks like, for people: "GitHub token". */
  readonly kind: string;
  /** The beginning and how long it is: "ghp_…(40)". */
  readonly hint: string;
  /** Tells the credential from others without revealing it; the same in every file. */
  readonly fingerprint: string;
}
