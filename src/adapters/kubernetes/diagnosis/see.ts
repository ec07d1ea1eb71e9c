// Looking without falling over: what may not be read is a fact as well.
import { KubernetesApiError } from '../api/kubernetes-api.ts';
import type { Seen } from './installation.ts';

/** @param what is looked at, for the sentence when it cannot be. @throws only what is no refusal of the API server. */
export async function see<T>(what: string, look: () => Promise<T>): Promise<Seen<T>> {
  try {
    return { known: await look() };
  } catch (error) {
    if (!(error instanceof KubernetesApiError)) throw error;
    return { unknown: `${what}: ${error.message}` };
  }
}
