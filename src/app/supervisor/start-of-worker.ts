// What supervisor and worker say to each other while a worker starts: it gets its place, and says that it is ready or why
// it cannot be.
import { deserialize, serialize } from 'node:v8';
import type { Json } from '../../adapters/processes/link.ts';
import type { Config } from '../../config/schema.ts';
import { AuthorityError, type AuthorityErrorOptions } from '../../domain/errors.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { ServeReport } from '../serve.ts';

export const PLACE_TOPIC = 'place';
export const READY_TOPIC = 'ready';
export const FAILED_TOPIC = 'failed';
export const REREAD_TOPIC = 'reread';

export interface AssignedPlace {
  readonly slot: number;
  readonly of: number;
  /** That of the supervisor, with the ports that it found free: a file that changed meanwhile changes nothing. */
  readonly config: Config;
}

export function writePlace({ slot, of, config }: AssignedPlace): Json {
  // JSON has no Infinity, which is how an unlimited duration reads.
  return { slot, of, config: serialize(config).toString('base64') };
}

export function readPlace(body: Json): AssignedPlace {
  const { slot, of, config } = body as { slot: number; of: number; config: string };
  return { slot, of, config: deserialize(Buffer.from(config, 'base64')) as Config };
}

export function writeReport(report: ServeReport): Json {
  return report as unknown as Json;
}

export function readReport(body: Json): ServeReport {
  return body as unknown as ServeReport;
}

/** With all that the command line says of it; a mistake of ours keeps the place where it was made. */
export function writeFailure(cause: unknown): Json {
  if (cause instanceof AuthorityError) {
    const { reason, detail } = cause;
    return { reason, ...(detail !== undefined && { detail }) };
  }
  const { name, message, stack = '' } = cause instanceof Error ? cause : new Error(String(cause));
  return { name, message, stack };
}

export function readFailure(body: Json): Error {
  const failure = body as Readonly<Record<string, string>>;
  const { reason, detail, name, message, stack } = failure;
  if (reason === undefined) return Object.assign(new Error(message), { name, stack });
  const options: AuthorityErrorOptions = detail === undefined ? {} : { detail };
  return new AuthorityError(reason as Reason, options);
}
