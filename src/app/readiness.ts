// The health of the parts of one process, kept in that process.
import type { Health, HealthState, PartHealth } from '../ports/platform/health.ts';

export class Readiness implements Health {
  /** One entry per part of the server: the stages name them. */
  readonly #states = new Map<string, () => HealthState>();

  report(part: string, state: () => HealthState): void {
    if (this.#states.has(part)) throw new Error(`two parts report themselves as ${part}`);
    this.#states.set(part, state);
  }

  parts(): readonly PartHealth[] {
    return [...this.#states].map(([part, state]) => ({ part, ...state() }));
  }
}
