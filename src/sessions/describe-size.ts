const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** "812 B", "3.4 KiB", "120 MiB". */
export function describeSize(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[power] ?? ""}`;
}

/** "1 file", "1204 files". */
export function describeFiles(count: number): string {
  return `${count} ${count === 1 ? "file" : "files"}`;
}
