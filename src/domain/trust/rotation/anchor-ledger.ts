// What is decided about trust anchors, for all processes and servers of a CA, whatever a file has at this moment: a rotation, the
// anchors that stay although a file lacks them, and those that are out although a file has them. A change gives another value.
import { PendingActs, type Waiting } from '../../administration/pending-acts.ts';
import type { Authorship } from '../issuer-ledger.ts';
import { TrustBundle } from '../bundle.ts';
import type { Bridge } from './bridge.ts';
import {
  begun,
  isUnderWay,
  nameOf,
  shasOf,
  stepped,
  type AnchorName,
  type AnchorRotation,
  type RotationAct,
  type RotationStep,
} from './rotation.ts';

/** An anchor that goes out. */
export interface KeptAnchor extends AnchorName {
  readonly pem: string;
  /** When it was noted, in ms since the epoch. */
  readonly sinceMs: number;
}

export interface RetiredAnchor extends AnchorName, Authorship {}

/** What somebody wants to be done. */
export interface WantedStep {
  readonly act: RotationAct;
  /** The rotation that is meant; absent of `start`. */
  readonly rotation?: string;
  /** Of `start`: the anchors that come, PEM; of `bridge` the cross-certificate. */
  readonly pem?: string;
  readonly reason: string;
  /** It was asked for although something stands against it. */
  readonly override: boolean;
}

/** One that waits for a second person. */
export type PendingStep = WantedStep & Waiting;

export const WAITING_STEPS = new PendingActs<WantedStep>({
  contentOf: ({ act, rotation = '', pem = '', reason, override }) => ({ act, rotation, pem, reason, override }),
  most: 10,
});

export interface AnchorLedger {
  readonly kept: readonly KeptAnchor[];
  readonly retired: readonly RetiredAnchor[];
  /** Those that went when nothing was known to hang on them: leaves below them that live are in nobody's use. */
  readonly left: readonly AnchorName[];
  /** The one under way, or else the last one. */
  readonly rotation?: AnchorRotation;
  readonly pending: readonly PendingStep[];
}

export interface RotatingLedger extends AnchorLedger {
  readonly rotation: AnchorRotation;
}

export const NO_ANCHORS: AnchorLedger = { kept: [], retired: [], left: [], pending: [] };

/** As many as a bundle may have. */
export const MAX_KEPT = 100;
/** Those that have ended go first: what has ended is distributed by nobody. */
export const MAX_RETIRED = 100;

/** What is in force, given what a server's files have: an anchor that is retired is out, and one that is kept is in. */
export function anchorsUnder({ kept, retired }: AnchorLedger, given: TrustBundle): TrustBundle {
  if (kept.length === 0 && retired.length === 0) return given;
  const out = new Set(shasOf(retired));
  const texts = given.anchors.filter(({ sha256 }) => !out.has(sha256)).map(({ pem }) => pem);
  const bundle = TrustBundle.fromPem(given.trustDomain, [...texts, ...kept.map(({ pem }) => pem)].join(''));
  // Of what was read once; and where nothing would be left what the files have is better than nothing.
  return 'problem' in bundle || bundle.anchors.length === 0 ? given : bundle;
}

/** Whether a rotation holds the anchor in the bundle, whatever depends on it. */
export function isHeld({ rotation }: AnchorLedger, sha256: string): boolean {
  if (rotation === undefined || rotation.phase === 'aborted') return false;
  const { added, old, phase } = rotation;
  const both = phase === 'publish' || phase === 'adopt';
  return shasOf(both ? [...added, ...old] : added).includes(sha256);
}

/** @returns the ledger that keeps these anchors too; the same one when it does already. Those that are retired stay out. */
export function keeping(
  ledger: AnchorLedger,
  anchors: readonly (AnchorName & { readonly pem: string })[],
  nowMs: number,
): AnchorLedger {
  const known = new Set(shasOf([...ledger.kept, ...ledger.retired]));
  const news = [...new Map(anchors.map((one) => [one.sha256, one])).values()].filter(
    ({ sha256 }) => !known.has(sha256),
  );
  if (news.length === 0) return ledger;
  const kept = [...ledger.kept, ...news.map((anchor) => ({ ...namedOf(anchor), pem: anchor.pem, sinceMs: nowMs }))];
  const back = shasOf(news);
  return {
    ...ledger,
    kept: kept.filter(({ notAfterMs }) => nowMs < notAfterMs).slice(0, MAX_KEPT),
    left: ledger.left.filter(({ sha256 }) => !back.includes(sha256)),
  };
}

/** @returns the ledger without anchors that nothing depends on and that no file has. */
export function released(ledger: AnchorLedger, shas: readonly string[]): AnchorLedger {
  const stays = ({ sha256 }: AnchorName): boolean => !shas.includes(sha256) || isHeld(ledger, sha256);
  const [kept, gone] = [ledger.kept.filter(stays), ledger.kept.filter((one) => !stays(one))];
  return gone.length === 0 ? ledger : { ...ledger, kept, left: bounded([...ledger.left, ...gone.map(namedOf)]) };
}

/**
 * @param added the anchors that come. @param inForce what goes out now.
 * @returns the ledger with a rotation in phase publish, or why not.
 */
export function started(
  ledger: AnchorLedger,
  {
    added,
    inForce,
    signing,
  }: { readonly added: TrustBundle; readonly inForce: TrustBundle; readonly signing: readonly string[] },
  by: Authorship,
): RotatingLedger | { readonly problem: string } {
  const { rotation } = ledger;
  if (isUnderWay(rotation)) return { problem: `rotation ${rotation.id} is under way, in phase ${rotation.phase}` };
  const shas = shasOf(added.anchors);
  const old = inForce.anchors.filter(({ sha256 }) => !shas.includes(sha256));
  if (old.length === 0) return { problem: 'there is no other trust anchor in force that could be retired afterwards' };
  const ended = added.anchors.find(({ notAfterMs }) => notAfterMs <= by.timeMs);
  if (ended !== undefined) return { problem: `${nameOf(ended)} has ended` };
  const anchors = { added: added.anchors.map(namedOf), old: old.map(namedOf), signing };
  const again = { ...ledger, retired: ledger.retired.filter(({ sha256 }) => !shas.includes(sha256)) };
  return { ...keeping(again, [...added.anchors, ...old], by.timeMs), rotation: begun(anchors, by) };
}

/** @returns the ledger after a step of its rotation, or why it may not be done. */
export function advanced(
  ledger: AnchorLedger,
  step: RotationStep,
  by: Authorship & { readonly overridden?: string },
): RotatingLedger | { readonly problem: string } {
  if (ledger.rotation === undefined) return { problem: 'there is no rotation: start one' };
  const rotation = stepped(ledger.rotation, step, by);
  if ('problem' in rotation) return { problem: `the rotation ${rotation.problem}` };
  if (rotation.phase !== 'retire') return { ...ledger, rotation };
  const shas = shasOf(rotation.old);
  const { timeMs, actor, role, reason, approvedBy } = by;
  const author = { timeMs, actor, role, reason, ...(approvedBy !== undefined && { approvedBy }) };
  const retired = [...ledger.retired, ...rotation.old.map((anchor) => ({ ...anchor, ...author }))];
  return {
    ...ledger,
    rotation,
    kept: ledger.kept.filter(({ sha256 }) => !shas.includes(sha256)),
    retired: bounded(retired.filter(({ notAfterMs }) => timeMs < notAfterMs)),
    left: by.overridden === undefined ? bounded([...ledger.left, ...rotation.old]) : ledger.left,
  };
}

/** @returns the ledger with this bridge in place of another, or without one; or why not, to follow "the rotation". */
export function bridged(
  ledger: AnchorLedger,
  bridge: Bridge | undefined,
): RotatingLedger | { readonly problem: string } {
  if (ledger.rotation === undefined) return { problem: 'was not started' };
  const { bridge: former, ...rotation } = ledger.rotation;
  const { phase } = rotation;
  if (phase !== 'publish' && phase !== 'adopt')
    return { problem: `is in phase ${phase}: bundles do not have old and new, and there is nothing to bridge` };
  if (bridge === undefined && former === undefined) return { problem: 'has no bridge' };
  if (bridge !== undefined && bridge.sha256 === former?.sha256) return { problem: 'has this bridge already' };
  return { ...ledger, rotation: bridge === undefined ? rotation : { ...rotation, bridge } };
}

/** @returns the ledger that says that no workload hangs on the old anchors; the same one when it says so, or the rotation is another. */
export function leavesMoved(ledger: AnchorLedger, id: string, nowMs: number): AnchorLedger {
  const { rotation } = ledger;
  const concerns = rotation?.id === id && rotation.phase === 'adopt' && rotation.leavesMovedMs === undefined;
  return concerns ? { ...ledger, rotation: { ...rotation, leavesMovedMs: nowMs } } : ledger;
}

function bounded<T>(anchors: readonly T[]): readonly T[] {
  return anchors.slice(-MAX_RETIRED);
}

function namedOf({ sha256, subject, notAfterMs }: AnchorName): AnchorName {
  return { sha256, subject, notAfterMs };
}
