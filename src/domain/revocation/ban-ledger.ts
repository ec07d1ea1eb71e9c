// The bans of a CA, as one value that its processes and servers share, and the acts on them that wait for a second person. A
// change gives another value. What nothing can meet any more is left out when the next ban comes or goes.
import { createHash } from 'node:crypto';
import { PendingActs, type Waiting } from '../administration/pending-acts.ts';
import { canonicalJson } from '../text/canonical-json.ts';
import type { Authorship } from '../trust/issuer-ledger.ts';
import type { Ban, BanTarget } from './ban.ts';

export interface WantedBan {
  readonly act: 'revoke';
  readonly target: BanTarget;
  readonly reason: string;
  /** In ms; absent, until it is lifted. Never of a certificate: that is revoked until it ends. */
  readonly forMs?: number;
}

export interface WantedLift {
  readonly act: 'lift';
  /** Of the ban. */
  readonly id: string;
  readonly reason: string;
}

export type WantedBanAct = WantedBan | WantedLift;

/** An act that waits for a second person. */
export type PendingBanAct = { readonly wanted: WantedBanAct } & Waiting;

export const WAITING_BAN_ACTS = new PendingActs<{ readonly wanted: WantedBanAct }>({
  contentOf: ({ wanted }) => wanted,
  most: 100,
});

export interface BanLedger {
  /** Oldest first. */
  readonly bans: readonly Ban[];
  readonly pending: readonly PendingBanAct[];
}

export const NO_BANS: BanLedger = { bans: [], pending: [] };

export const MAX_BANS = 10_000;
/** Of the bans as JSON: processes hand the ledger to each other in one message. */
export const MAX_BAN_CHARACTERS = 6 * 1024 * 1024;

/** Whether nothing is issued to whom it concerns. */
export function isInForce({ untilMs }: Ban, nowMs: number): boolean {
  return untilMs === undefined || nowMs < untilMs;
}

/** Whether nothing is refused by it any more and no certificate from before it lives. */
export function isOver(ban: Ban, nowMs: number): boolean {
  return !isInForce(ban, nowMs) && nowMs >= ban.leavesUntilMs;
}

/** Whether they are more than a server can hold. */
export function isFull(bans: readonly Ban[]): boolean {
  return bans.length > MAX_BANS || JSON.stringify(bans).length > MAX_BAN_CHARACTERS;
}

/**
 * @param settings.longestLeafMs no certificate lives longer.
 * @returns the ledger with the ban, or with nothing new where one for the same target lasts as long; or why not.
 */
export function banned(
  ledger: BanLedger,
  { target, forMs }: WantedBan,
  by: Authorship,
  { longestLeafMs }: { readonly longestLeafMs: number },
): { readonly ledger: BanLedger; readonly ban: Ban; readonly isNew: boolean } | { readonly problem: string } {
  const kept = withoutOver(ledger, by.timeMs);
  const leavesUntilMs = by.timeMs + longestLeafMs;
  const untilMs = target.kind === 'serial' ? leavesUntilMs : forMs && by.timeMs + forMs;
  const same = kept.bans.find((ban) => isSameTarget(ban.target, target) && lastsAsLong(ban, untilMs));
  if (same !== undefined && isInForce(same, by.timeMs)) return { ledger, ban: same, isNew: false };
  const id = idOf(target, by);
  const ban: Ban = { id, target, ...by, ...(untilMs !== undefined && { untilMs }), leavesUntilMs };
  const bans = [...kept.bans, ban];
  if (isFull(bans))
    return {
      problem: `${kept.bans.length} are in force, which is as many as can be: lift some, or revoke more at once`,
    };
  return { ledger: { ...kept, bans }, ban, isNew: true };
}

/** @returns the ledger without the ban, or why not. */
export function lifted(
  ledger: BanLedger,
  id: string,
  nowMs: number,
): { readonly ledger: BanLedger; readonly ban: Ban } | { readonly problem: string } {
  const kept = withoutOver(ledger, nowMs);
  const ban = kept.bans.find((one) => one.id === id);
  if (ban === undefined) return { problem: `nothing is revoked as ${id}` };
  return { ledger: { ...kept, bans: kept.bans.filter((one) => one !== ban) }, ban };
}

export function isSameTarget(one: BanTarget, other: BanTarget): boolean {
  return canonicalJson(one) === canonicalJson(other);
}

function withoutOver(ledger: BanLedger, nowMs: number): BanLedger {
  return { bans: ledger.bans.filter((ban) => !isOver(ban, nowMs)), pending: WAITING_BAN_ACTS.at(ledger, nowMs) };
}

function lastsAsLong(ban: Ban, untilMs = Infinity): boolean {
  return (ban.untilMs ?? Infinity) >= untilMs;
}

/** Two of one moment differ in what they are for. */
function idOf(target: BanTarget, { timeMs, actor, reason }: Authorship): string {
  const content = canonicalJson({ target, timeMs, actor, reason });
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}
