// A module of ours in between: bundled, a dynamic import of a CommonJS package has no names but `default`.
export { E2B } from "@e2b/code-interpreter";
export { ApiClient, ConnectionConfig } from "e2b";
