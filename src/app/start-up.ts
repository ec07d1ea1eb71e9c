// The order in which a server starts, as data: the counterpart of lifecycle.ts. Parts register what they do in which
// phase when they are built; starting walks the phases, and within one phase the earliest part first.

/**
 * Phases of a start, in order. Probes are answered from the first moment on; the journal's lock comes before anything
 * that two servers must not both do; nobody is let in before everything is loaded that a request is judged by.
 */
export const START_PHASES = ['observe', 'storage', 'administer', 'load', 'listen'] as const;

export type StartPhase = (typeof START_PHASES)[number];

type Run = (options: { readonly signal: AbortSignal }) => Promise<void> | void;

export class StartUp {
  readonly #steps: { readonly phase: StartPhase; readonly run: Run }[] = [];

  at(phase: StartPhase, run: Run): void {
    this.#steps.push({ phase, run });
  }

  /**
   * Resolves when every step has; stops at the first that throws, for what started is ended by the lifecycle.
   * @param options.signal ends the starting, not what was started.
   */
  async start(options: { readonly signal: AbortSignal }): Promise<void> {
    for (const phase of START_PHASES) {
      for (const step of this.#steps.filter((candidate) => candidate.phase === phase)) await step.run(options);
    }
  }
}
