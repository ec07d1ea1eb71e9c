// What a worker knows of the server that it is a part of.
import { hostname } from 'node:os';
import type { Link } from '../adapters/processes/link.ts';

export interface WorkerPlace {
  /** 1 up to `of`; a worker that replaces another has its slot. */
  readonly slot: number;
  /** How many workers the server has. */
  readonly of: number;
  /** To the supervisor. */
  readonly link: Link;
  /** Who is to hear of handlers of the link that fail by a mistake of ours. */
  readonly onFailure: (report: (topic: string, cause: unknown) => void) => void;
}

/** @returns what operators call the process: the machine, which in Kubernetes is the pod, and the worker's slot. */
export function serverName(worker: Pick<WorkerPlace, 'slot'> | undefined): string {
  return worker === undefined ? hostname() : `${hostname()}-${worker.slot}`;
}
