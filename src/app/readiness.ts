// What "ready" means, part by part. A part that is not ready says why, in words for an operator.

export interface PartReadiness {
  readonly part: string;
  readonly ready: boolean;
  readonly why?: string;
}

/** @returns nothing when the part is ready, otherwise why it is not. */
export type ReadinessCheck = () => string | undefined;

export class Readiness {
  readonly #checks = new Map<string, ReadinessCheck>();

  add(part: string, check: ReadinessCheck): void {
    this.#checks.set(part, check);
  }

  report(): readonly PartReadiness[] {
    return [...this.#checks].map(([part, check]) => {
      const why = check();
      return why === undefined ? { part, ready: true } : { part, ready: false, why };
    });
  }
}
