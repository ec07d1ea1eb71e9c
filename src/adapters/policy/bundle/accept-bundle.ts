// Whether a policy bundle with valid signatures is accepted here and now. A signature says who wrote it; this says that
// it is meant for this cluster, not older than the one before, and that its validity has begun.
import { audienceProblem } from '../../../domain/policy/bundle/audience.ts';
import type { PolicyBundle } from '../../../domain/policy/documents.ts';
import type { Problem } from '../../../domain/text/position.ts';
import type { RollbackState } from '../../../ports/policy/policy-bundle-state.ts';
import type { VerifiedPolicyBundle } from './sources/bundle-source.ts';
import type { VerifiedCandidate } from './verify-bundle.ts';

/** What is judged: a bundle whose signatures hold. */
export type Candidate = Pick<VerifiedCandidate, 'bundle' | 'digest' | 'locate'>;

/** What a bundle is judged by. */
export interface AcceptanceContext {
  /** Absent: the audience is not judged. */
  readonly clusterId?: string;
  /** Of the newest bundle that ever was in force, also before a restart; absent when there was none, or none is kept. */
  readonly remembered?: RollbackState;
  /** Where the rollback state is kept, for messages. */
  readonly statePlace: string;
  /** The bundle in force; absent at the start. */
  readonly current?: VerifiedPolicyBundle;
  /** The latest time that was ever seen: a clock that was moved backwards brings no bundle back. */
  readonly nowMs: number;
}

interface Check {
  /** The field that is at fault, for its position. */
  readonly path: readonly string[];
  readonly problem: (bundle: Candidate, context: AcceptanceContext) => string | undefined;
}

/** In this order; the first that fails is reported. */
const CHECKS: readonly Check[] = [
  {
    path: ['audience', 'clusters'],
    problem: ({ bundle }, { clusterId }) => (clusterId === undefined ? undefined : audienceProblem(bundle, clusterId)),
  },
  { path: ['metadata', 'name'], problem: nameProblem },
  { path: ['metadata', 'sequence'], problem: sequenceProblem },
  { path: ['validity', 'notBefore'], problem: notBeforeProblem },
  { path: ['validity', 'hardExpiry'], problem: hardExpiryProblem },
];

/** @returns why the bundle may not come in force, or nothing when it may. */
export function acceptanceProblem(bundle: Candidate, context: AcceptanceContext): Problem | undefined {
  for (const { path, problem } of CHECKS) {
    const found = problem(bundle, context);
    if (found !== undefined) return { position: bundle.locate(path), path: path.join('.'), problem: found };
  }
  return undefined;
}

/** @returns whether nobody new gets an identity by it any more. */
export function isExpired({ validity }: PolicyBundle, nowMs: number): boolean {
  return nowMs >= validity.hardExpiryMs;
}

/** Sequences are counted by name, so another name would let an old bundle in. */
function nameProblem({ bundle }: Candidate, { remembered, statePlace }: AcceptanceContext): string | undefined {
  if (remembered === undefined || remembered.name === bundle.name) return undefined;
  return `is ${bundle.name}, but ${statePlace} remembers ${remembered.name}; to change over on purpose, stop Capstan and remove that file`;
}

function sequenceProblem(
  { bundle, digest }: Candidate,
  { remembered, statePlace }: AcceptanceContext,
): string | undefined {
  if (remembered === undefined || bundle.sequence > remembered.sequence) return undefined;
  if (bundle.sequence < remembered.sequence) {
    return `is a rollback: ${bundle.sequence} is older than ${remembered.sequence}, which ${statePlace} remembers`;
  }
  if (digest === remembered.digest) return undefined;
  return `${bundle.sequence} is that of another bundle already, which ${statePlace} remembers; count on`;
}

function notBeforeProblem({ bundle: { validity } }: Candidate, { nowMs }: AcceptanceContext): string | undefined {
  return nowMs >= validity.notBeforeMs ? undefined : `has not come; it is ${formatTime(nowMs)}`;
}

/** At the start an expired bundle is better than none: what it refuses, it refuses with its reason. */
function hardExpiryProblem({ bundle, digest }: Candidate, { current, nowMs }: AcceptanceContext): string | undefined {
  if (!isExpired(bundle, nowMs) || current === undefined || current.digest === digest) return undefined;
  return isExpired(current.bundle, nowMs) ? undefined : `has passed; it is ${formatTime(nowMs)}`;
}

function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}
