// Whether a bundle that the pinned keys stand behind may come in force here and now. A signature says who
// wrote it; this says that it is meant for this cluster, not older than what we had, and begun.
import type { PolicyBundle } from '../../../domain/policy/documents.ts';
import { matchesAny } from '../../../domain/policy/names.ts';
import type { Problem } from '../../../domain/text/position.ts';
import type { RememberedBundle } from './bundle-memory.ts';
import type { VerifiedBundle } from './sources/bundle-source.ts';
import type { OpenedBundle } from './open-bundle.ts';

/** What is judged. */
export type Candidate = Pick<OpenedBundle, 'bundle' | 'digest' | 'locate'>;

/** What a bundle is judged by. */
export interface Standing {
  /** Absent: the audience is not judged. */
  readonly clusterId?: string;
  /** The newest bundle that ever was in force, also before a restart; absent when there was none or nobody asks. */
  readonly remembered?: RememberedBundle;
  /** What remembers it, for the words. */
  readonly memoryPlace: string;
  /** The bundle in force; absent at the start. */
  readonly current?: VerifiedBundle;
  /** The latest time that was ever seen: a clock that was moved backwards brings no bundle back. */
  readonly nowMs: number;
}

interface Check {
  /** The field that is at fault, for its position. */
  readonly path: readonly string[];
  readonly problem: (bundle: Candidate, standing: Standing) => string | undefined;
}

/** In this order; the first that objects is told. */
const CHECKS: readonly Check[] = [
  { path: ['audience', 'clusters'], problem: audienceProblem },
  { path: ['metadata', 'name'], problem: nameProblem },
  { path: ['metadata', 'sequence'], problem: sequenceProblem },
  { path: ['validity', 'notBefore'], problem: notBeforeProblem },
  { path: ['validity', 'hardExpiry'], problem: hardExpiryProblem },
];

/** @returns why the bundle may not come in force, or nothing when it may. */
export function admissionProblem(bundle: Candidate, standing: Standing): Problem | undefined {
  for (const { path, problem } of CHECKS) {
    const found = problem(bundle, standing);
    if (found !== undefined) return { position: bundle.locate(path), path: path.join('.'), problem: found };
  }
  return undefined;
}

/** @returns whether nobody new gets an identity by it any more. */
export function isExpired({ validity }: PolicyBundle, nowMs: number): boolean {
  return nowMs >= validity.hardExpiryMs;
}

function audienceProblem({ bundle }: Candidate, { clusterId }: Standing): string | undefined {
  if (clusterId === undefined || matchesAny(bundle.audience, clusterId)) return undefined;
  return `is meant for ${bundle.audience.join(', ')}; this cluster is ${clusterId}`;
}

/** Sequences are counted by name, so another name would let an old bundle in. */
function nameProblem({ bundle }: Candidate, { remembered, memoryPlace }: Standing): string | undefined {
  if (remembered === undefined || remembered.name === bundle.name) return undefined;
  return `is ${bundle.name}, but ${memoryPlace} remembers ${remembered.name}; to change over on purpose, stop Capstan and remove that file`;
}

function sequenceProblem({ bundle, digest }: Candidate, { remembered, memoryPlace }: Standing): string | undefined {
  if (remembered === undefined || bundle.sequence > remembered.sequence) return undefined;
  if (bundle.sequence < remembered.sequence) {
    return `is a rollback: ${bundle.sequence} is older than ${remembered.sequence}, which ${memoryPlace} remembers`;
  }
  if (digest === remembered.digest) return undefined;
  return `${bundle.sequence} is that of another bundle already, which ${memoryPlace} remembers; count on`;
}

function notBeforeProblem({ bundle: { validity } }: Candidate, { nowMs }: Standing): string | undefined {
  return nowMs >= validity.notBeforeMs ? undefined : `has not come; it is ${formatTime(nowMs)}`;
}

/** At the start an expired bundle is better than none: what it refuses, it refuses with its reason. */
function hardExpiryProblem({ bundle, digest }: Candidate, { current, nowMs }: Standing): string | undefined {
  if (!isExpired(bundle, nowMs) || current === undefined || current.digest === digest) return undefined;
  return isExpired(current.bundle, nowMs) ? undefined : `has passed; it is ${formatTime(nowMs)}`;
}

function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}
