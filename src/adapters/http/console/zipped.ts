// What browsers are sent, compressed where they take it. A page that is open asks for the same hundred rows every few seconds, in which
// most words stand a hundred times: compressed they are a tenth.
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** Less fits into one packet as it is. */
const WORTH_CHARACTERS = 1_024;
const zip = promisify(gzip);

/** By threads of the platform. */
export async function zippedAnswer(c: Context, status: ContentfulStatusCode, json: string): Promise<Response> {
  c.header('content-type', 'application/json');
  c.header('vary', 'accept-encoding');
  if (json.length < WORTH_CHARACTERS || !takesGzip(c)) return c.body(json, status);
  // No answer holds a secret whose length somebody could guess at by what he has us put beside it (BREACH): sessions are in cookies alone.
  const zipped = await zip(json, { level: constants.Z_BEST_SPEED });
  c.header('content-encoding', 'gzip');
  return c.body(new Uint8Array(zipped), status);
}

/** RFC 9110, 12.5.3: not where it is weighed with 0. */
export function takesGzip(c: Context): boolean {
  const codings = (c.req.header('accept-encoding') ?? '').split(',');
  return codings.some((coding) => /^\s*gzip\s*(;|$)/i.test(coding) && !/;\s*q=0(\.0*)?\s*$/i.test(coding));
}
