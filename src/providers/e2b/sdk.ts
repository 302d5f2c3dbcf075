// A module of ours in between: bundled, a dynamic import of a CommonJS package has no names but `default`.
export { ApiClient, ConnectionConfig, E2B } from "@e2b/code-interpreter";
