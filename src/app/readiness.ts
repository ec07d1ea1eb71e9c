// What "ready" means, part by part. A part that is not ready, or works less than it should, says why, in
// words for an operator.

/**
 * `degraded` still serves: the rest of the mesh is better off with this server than without it, so a probe
 * must not take it out. `not ready` means that every request would be refused for a reason of ours.
 */
export type PartState = 'ready' | 'degraded' | 'not ready';

export interface PartReadiness {
  readonly part: string;
  readonly state: PartState;
  readonly why?: string;
}

/** @returns nothing when the part is well; a text says why it is not ready. */
export type ReadinessCheck = () => string | { readonly degraded: string } | undefined;

/** A part that serves on with its problem. */
export function degradedBy(problem: string | undefined): ReturnType<ReadinessCheck> {
  return problem === undefined ? undefined : { degraded: problem };
}

export class Readiness {
  readonly #checks = new Map<string, ReadinessCheck>();

  add(part: string, check: ReadinessCheck): void {
    this.#checks.set(part, check);
  }

  report(): readonly PartReadiness[] {
    return [...this.#checks].map(([part, check]) => readinessOf(part, check()));
  }
}

function readinessOf(part: string, found: ReturnType<ReadinessCheck>): PartReadiness {
  if (found === undefined) return { part, state: 'ready' };
  return typeof found === 'string'
    ? { part, state: 'not ready', why: found }
    : { part, state: 'degraded', why: found.degraded };
}
