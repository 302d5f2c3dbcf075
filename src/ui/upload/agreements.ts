import type * as vscode from "vscode";
import type { Boundary, NetworkPolicy } from "../../core/provider.ts";
import type { Target } from "../../sessions/records.ts";
import { choiceOf } from "../target.ts";

/** Under what terms the user lets a folder's files go somewhere. */
interface Terms {
  readonly boundary: Boundary;
  readonly network: NetworkPolicy;
}

/** From weakest to strongest, as core/provider.ts has them. */
const BOUNDARIES: readonly Boundary[] = ["host", "seatbelt", "namespaces", "container", "gvisor", "microvm", "hyper-v"];
/** From the one that reaches least to the one that reaches most. */
const NETWORKS: readonly NetworkPolicy[] = ["none", "allow-list", "full"];

/**
 * Whether the user has let the folder's files go there, under terms no stronger than those of the target: what was agreed
 * for a microVM without network is not agreed for a container, nor for a microVM with it.
 */
export function hasAgreed(memento: vscode.Memento, folder: vscode.Uri, target: Target): boolean {
  const now = toTerms(target);
  return readTerms(memento, folder, target).some((agreed) => covers(agreed, now));
}

/** Remembers that the user lets the folder's files go there. */
export async function noteAgreement(memento: vscode.Memento, folder: vscode.Uri, target: Target): Promise<void> {
  const now = toTerms(target);
  const others = readTerms(memento, folder, target).filter((agreed) => !covers(now, agreed));
  await memento.update(toKey(folder, target), [...others, now]);
}

/** The machine that a provider's sandboxes are on, as the user named it; "" where the provider finds it itself. */
export function destinationOf({ options }: Target): string {
  return options["host"] ?? options["context"] ?? options["domain"] ?? options["apiUrl"] ?? "";
}

function covers(agreed: Terms, now: Terms): boolean {
  const isAsStrong = BOUNDARIES.indexOf(now.boundary) >= BOUNDARIES.indexOf(agreed.boundary);
  return isAsStrong && NETWORKS.indexOf(now.network) <= NETWORKS.indexOf(agreed.network);
}

function toTerms(target: Target): Terms {
  return { boundary: choiceOf(target).boundary, network: target.network };
}

function toKey(folder: vscode.Uri, target: Target): string {
  return `agreed ${target.providerId} ${destinationOf(target)} ${folder.toString()}`;
}

function readTerms(memento: vscode.Memento, folder: vscode.Uri, target: Target): readonly Terms[] {
  const kept = memento.get<readonly Terms[]>(toKey(folder, target), []);
  return Array.isArray(kept) ? kept : [];
}
