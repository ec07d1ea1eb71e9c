// Reading again where an API server is busy or restarts: for who reads much and has time, and would otherwise have to begin anew or do
// without. Only for what changes nothing.
import type { Clock } from '../../../ports/platform/clock.ts';
import { KubernetesApiError, type CallOptions } from './kubernetes-api.ts';

/** @returns what the work does in the end. @throws as the work does the last time; the signal's reason. */
export type ReadAgain = <T>(work: () => Promise<T>, options: CallOptions) => Promise<T>;

export const readOnce: ReadAgain = async (work) => work();

/** Pauses between tries, doubled; the server may ask for longer ones, up to the longest. */
const PAUSE_MS = { first: 500, longest: 15_000 } as const;
const MAX_TRIES = 5;
/** Of a server that did not answer in the time of a call: those who wait for it wait long enough. */
const MAX_SILENCES = 2;

export function readingAgain(clock: Pick<Clock, 'sleep'>): ReadAgain {
  return async (work, { signal }) => {
    let silences = 0;
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof KubernetesApiError) || tries === MAX_TRIES) throw error;
        silences += error.status === 0 ? 1 : 0;
        if (!isPassing(error) || silences === MAX_SILENCES) throw error;
        const pauseMs = Math.max(PAUSE_MS.first * 2 ** (tries - 1), error.retryAfterMs ?? 0);
        await clock.sleep(Math.min(pauseMs, PAUSE_MS.longest), { signal });
      }
    }
  };
}

/** Too many at once, a restart, a gateway in between; or nobody answered. */
function isPassing({ status, reason }: KubernetesApiError): boolean {
  return [429, 502, 503, 504].includes(status) || ['Timeout', 'Unreachable'].includes(reason);
}
