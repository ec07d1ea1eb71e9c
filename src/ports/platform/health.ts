// How a server is, part by part. Each part reports itself; what is shown to probes, scrapers and operators is read from
// here and asks no part by its class, so that one report can be made of several processes too.

/**
 * `degraded` still serves: the rest of the mesh is better off with this server than without it, so a probe
 * must not take it out. `not ready` means that every request would be refused for a reason of ours.
 */
export type HealthState =
  | { readonly state: 'ready' }
  | {
      readonly state: 'degraded' | 'not ready';
      /** In words for an operator. */
      readonly why: string;
    };

export type PartHealth = HealthState & {
  /** As it stands in `/readyz` and in the label `part` of the metrics. */
  readonly part: string;
  /** Of which worker, where the server has several processes. */
  readonly worker?: number;
};

/** A part that does not work as it should. */
export type TroubledPart = Exclude<PartHealth, { readonly state: 'ready' }>;

export interface Health {
  /** @param state is asked at each reading: it answers at once, from what the part knows already, and never throws. */
  report(part: string, state: () => HealthState): void;
  /** @returns all parts in the order in which they came, each as it is now. */
  parts(): readonly PartHealth[];
}

export const READY: HealthState = { state: 'ready' };

export function degraded(why: string): HealthState {
  return { state: 'degraded', why };
}

export function notReady(why: string): HealthState {
  return { state: 'not ready', why };
}

/** A part that serves on with its problem, if it has one. */
export function degradedBy(problem: string | undefined): HealthState {
  return problem === undefined ? READY : degraded(problem);
}

/** A part without which nothing can be served while it has a problem. */
export function notReadyBy(problem: string | undefined): HealthState {
  return problem === undefined ? READY : notReady(problem);
}
