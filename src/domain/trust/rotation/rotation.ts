// The rotation of trust anchors as a value: which anchors come, which go, and how far it is. Publish: the bundles have old and new,
// leaves come from issuers below the old. Adopt: issuers below the new one sign, and leaves renew. Retire: the old leave the
// bundles. Done: nobody is known who has them still. Each step gives another value, and has its author.
import { createHash } from 'node:crypto';
import type { Authorship } from '../issuer-ledger.ts';
import type { Bridge } from './bridge.ts';

export const ROTATION_PHASES = ['publish', 'adopt', 'retire', 'done', 'aborted'] as const;
export type RotationPhase = (typeof ROTATION_PHASES)[number];

/** What operators do to a rotation; each is a command of the same name. */
export const ROTATION_ACTS = ['start', 'advance', 'abort', 'retire', 'bridge', 'unbridge'] as const;
export type RotationAct = (typeof ROTATION_ACTS)[number];
/** Those that lead to another phase, and `finish`, which comes by itself. */
export type RotationStep = Exclude<RotationAct, 'start' | BridgeAct> | 'finish';
/** Those that leave the phase as it is. */
export type BridgeAct = Extract<RotationAct, 'bridge' | 'unbridge'>;

export function isBridgeAct(act: RotationAct): act is BridgeAct {
  return act === 'bridge' || act === 'unbridge';
}

export interface AnchorName {
  /** Hex, of the certificate. */
  readonly sha256: string;
  readonly subject: string;
  readonly notAfterMs: number;
}

export interface RotationMove extends Authorship {
  /** Absent of the first. */
  readonly from?: RotationPhase;
  readonly to: RotationPhase;
  /** What stood against it, where it was done all the same. */
  readonly overridden?: string;
}

export interface AnchorRotation {
  /** 16 hex digits, of its anchors and its beginning. */
  readonly id: string;
  /** The anchors that come. */
  readonly added: readonly AnchorName[];
  /** The anchors that go: all others in force when it began. */
  readonly old: readonly AnchorName[];
  /** Ids of the certificates that signed when it began: those go on, whatever they lead to. */
  readonly signing: readonly string[];
  readonly phase: RotationPhase;
  /** In adopt, since when no workload hangs on the old anchors: from then on the CA's own certificates move too. */
  readonly leavesMovedMs?: number;
  /** For who knows the old anchors alone; in force in publish and adopt, until it ends. */
  readonly bridge?: Bridge;
  /** Oldest first; the last one led to the phase. */
  readonly moves: readonly [RotationMove, ...RotationMove[]];
}

/** Where each step leads from each phase; what is not here may not be done. */
const STEPS: Readonly<Record<RotationStep, Partial<Record<RotationPhase, RotationPhase>>>> = {
  advance: { publish: 'adopt' },
  retire: { adopt: 'retire' },
  finish: { retire: 'done' },
  abort: { publish: 'aborted', adopt: 'aborted' },
};

const ADVICE: Readonly<Record<RotationPhase, string>> = {
  publish: 'advance it, or abort it',
  adopt: 'retire ends it, abort takes it back',
  retire: 'it is done by itself when nobody is known any more who has the old anchors',
  done: 'start another one',
  aborted: 'start another one',
};

export function isUnderWay(rotation: AnchorRotation | undefined): rotation is AnchorRotation {
  return rotation !== undefined && rotation.phase !== 'done' && rotation.phase !== 'aborted';
}

/** @param added and `old` have no anchor in common; neither is empty. */
export function begun(anchors: Pick<AnchorRotation, 'added' | 'old' | 'signing'>, by: Authorship): AnchorRotation {
  const { added, old, signing } = anchors;
  const content = JSON.stringify([by.timeMs, shasOf(added), shasOf(old)]);
  const id = createHash('sha256').update(content).digest('hex').slice(0, 16);
  return { id, added, old, signing, phase: 'publish', moves: [{ ...by, to: 'publish' }] };
}

/** @returns the rotation after the step, or why it may not be done, to follow "the rotation". */
export function stepped(
  rotation: AnchorRotation,
  step: RotationStep,
  by: Authorship & { readonly overridden?: string },
): AnchorRotation | { readonly problem: string } {
  const { phase: from } = rotation;
  const to = STEPS[step][from];
  if (to === undefined) return { problem: `is in phase ${from}, where there is no ${step}: ${ADVICE[from]}` };
  return { ...rotation, phase: to, moves: [...rotation.moves, { ...by, from, to }] };
}

/** When it came into its phase, in ms since the epoch. */
export function phaseSinceMs({ moves }: AnchorRotation): number {
  return (moves.at(-1) ?? moves[0]).timeMs;
}

export function shasOf(anchors: readonly AnchorName[]): readonly string[] {
  return anchors.map(({ sha256 }) => sha256);
}

export function nameOf({ subject, sha256 }: AnchorName): string {
  return `${subject} (SHA-256 ${sha256.slice(0, 16)})`;
}
