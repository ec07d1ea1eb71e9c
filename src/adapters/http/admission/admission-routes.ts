// What the API server asks before it stores a local policy. An API server shows no client certificate unless somebody
// configures it to, so that strangers may ask too; what they are answered is what the policy bundle gives.
import { Hono } from 'hono';
import type { Events } from '../../../ports/platform/events.ts';
import { boundedBody } from '../bounded-body.ts';

export interface AdmissionParts {
  /** @param text the body of the question. @returns the body of the answer; nothing for what is no question. */
  readonly answer: (text: string) => object | undefined;
  readonly events: Pick<Events, 'unexpected'>;
}

/**
 * A policy and what was there before. JSON of this size can be made to take some ten milliseconds to read; what is larger is not
 * compared, and stored all the same.
 */
const MAX_BODY_BYTES = 512 * 1024;
/** API servers, with much room, so that few bodies are on their way; an API server waits for two seconds in all. */
export const ADMISSION_LIMITS = { maxConnections: 32, requestMs: 2_000 } as const;

export function admissionRoutes({ answer, events }: AdmissionParts): Hono {
  const routes = new Hono();
  routes.post('/admission', boundedBody(MAX_BODY_BYTES), async (c) => {
    const review = answer(await c.req.text());
    return review === undefined ? c.json({ error: 'no AdmissionReview of an object' }, 400) : c.json(review);
  });
  routes.notFound((c) => c.json({ error: 'not found' }, 404));
  routes.onError((cause, c) => {
    events.unexpected({ where: 'admission', cause });
    return c.json({ error: 'internal error' }, 500);
  });
  return routes;
}
