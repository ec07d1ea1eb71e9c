// The health of a server as a test says it, whatever its parts report.
import type { Health, HealthState, PartHealth } from '../../../src/ports/platform/health.ts';

export class FakeHealth implements Health {
  /** What is read; a test sets it. */
  now: readonly PartHealth[];
  readonly reported = new Map<string, () => HealthState>();

  constructor(...now: readonly PartHealth[]) {
    this.now = now;
  }

  report(part: string, state: () => HealthState): void {
    this.reported.set(part, state);
  }

  parts(): readonly PartHealth[] {
    return this.now;
  }
}
