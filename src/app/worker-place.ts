// What a worker knows of the server that it is a part of.
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
