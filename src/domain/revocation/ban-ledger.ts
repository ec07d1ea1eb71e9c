// The bans of a CA, as one value that its processes and servers share, and the acts on them that wait for a second person. A
// change gives another value. A ban that nothing can meet any more stays until its room is needed: that it is over is what the
// clock says, and a clock that was wrong for a minute must not have everything forgotten.
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

/** So much behind the clock may be when a certificate is revoked, and it does not renew when the clock is right again. */
export const CLOCK_ERROR_MS = 24 * 3_600_000;

/** Whether nothing is issued to whom it concerns. */
export function isInForce({ untilMs }: Ban, nowMs: number): boolean {
  return untilMs === undefined || nowMs < untilMs;
}

/** Whether nothing is refused by it any more and no certificate from before it lives. */
export function isOver(ban: Ban, nowMs: number): boolean {
  return !isInForce(ban, nowMs) && nowMs >= ban.leavesUntilMs;
}

/**
 * As many as a server can hold: where there is no room, those that are over give way, the one that ended first before the
 * others, and no more of them than has to be.
 * @returns nothing where too many are not over.
 */
export function withRoom(bans: readonly Ban[], nowMs: number): readonly Ban[] | undefined {
  let [count, characters] = [bans.length, JSON.stringify(bans).length];
  const isFull = (): boolean => count > MAX_BANS || characters > MAX_BAN_CHARACTERS;
  if (!isFull()) return bans;
  const gone = new Set<Ban>();
  for (const ban of bans.filter((one) => isOver(one, nowMs)).toSorted((a, b) => endOf(a) - endOf(b))) {
    gone.add(ban);
    count -= 1;
    characters -= JSON.stringify(ban).length + 1;
    if (!isFull()) return bans.filter((one) => !gone.has(one));
  }
  return undefined;
}

function endOf({ untilMs = Infinity, leavesUntilMs }: Ban): number {
  return Math.max(untilMs, leavesUntilMs);
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
  const leavesUntilMs = by.timeMs + longestLeafMs;
  const untilMs = target.kind === 'serial' ? leavesUntilMs + CLOCK_ERROR_MS : forMs && by.timeMs + forMs;
  const same = ledger.bans.find(
    (ban) => isInForce(ban, by.timeMs) && isSameTarget(ban.target, target) && lastsAsLong(ban, untilMs),
  );
  if (same !== undefined) return { ledger, ban: same, isNew: false };
  const id = idOf(target, by);
  const ban: Ban = { id, target, ...by, ...(untilMs !== undefined && { untilMs }), leavesUntilMs };
  const bans = withRoom([...ledger.bans, ban], by.timeMs);
  if (bans === undefined) {
    const inForce = ledger.bans.filter((one) => !isOver(one, by.timeMs)).length;
    return { problem: `${inForce} are in force, which is as many as can be: lift some, or revoke more at once` };
  }
  return { ledger: { bans, pending: WAITING_BAN_ACTS.at(ledger, by.timeMs) }, ban, isNew: true };
}

/** @returns the ledger without the ban, or why not. */
export function lifted(
  ledger: BanLedger,
  id: string,
  nowMs: number,
): { readonly ledger: BanLedger; readonly ban: Ban } | { readonly problem: string } {
  const ban = ledger.bans.find((one) => one.id === id);
  if (ban === undefined || isOver(ban, nowMs)) return { problem: `nothing is revoked as ${id}` };
  const bans = ledger.bans.filter((one) => one !== ban);
  return { ledger: { bans, pending: WAITING_BAN_ACTS.at(ledger, nowMs) }, ban };
}

export function isSameTarget(one: BanTarget, other: BanTarget): boolean {
  return canonicalJson(one) === canonicalJson(other);
}

function lastsAsLong(ban: Ban, untilMs = Infinity): boolean {
  return (ban.untilMs ?? Infinity) >= untilMs;
}

/** Two of one moment differ in what they are for. */
function idOf(target: BanTarget, { timeMs, actor, reason }: Authorship): string {
  const content = canonicalJson({ target, timeMs, actor, reason });
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}
