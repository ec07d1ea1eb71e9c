// The order in which a running server stops, as data. Parts register what they do in which phase
// when they start; shutting down walks the phases, and within one phase the latest part first.

/** Phases of a shutdown, in order. */
export const SHUTDOWN_PHASES = ['not-ready', 'stop-accepting', 'drain', 'stop-watchers', 'flush'] as const;

export type ShutdownPhase = (typeof SHUTDOWN_PHASES)[number];

interface Step {
  readonly name: string;
  readonly phase: ShutdownPhase;
  readonly run: () => Promise<void> | void;
}

export class Lifecycle {
  readonly #steps: Step[] = [];
  #stopping = false;

  get stopping(): boolean {
    return this.#stopping;
  }

  at(phase: ShutdownPhase, name: string, run: Step['run']): void {
    this.#steps.unshift({ phase, name, run });
  }

  /**
   * Walks all phases, whatever fails on the way, so that one broken part cannot keep another from
   * flushing. Safe to call when only some parts have started.
   * @param onFailure hears of each step that threw.
   */
  async shutDown(onFailure: (name: string, cause: unknown) => void): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const phase of SHUTDOWN_PHASES) {
      for (const step of this.#steps.filter((candidate) => candidate.phase === phase)) {
        await runStep(step, onFailure);
      }
    }
  }
}

async function runStep(step: Step, onFailure: (name: string, cause: unknown) => void): Promise<void> {
  try {
    await step.run();
  } catch (cause) {
    onFailure(step.name, cause);
  }
}
