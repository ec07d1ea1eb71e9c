// What the API server asks before it stores a local policy. An API server shows no client certificate unless somebody
// configures it to, so that strangers may ask too; what they are answered is what the policy bundle gives.
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Events } from '../../../ports/platform/events.ts';

export interface AdmissionParts {
  /** @returns the body of the answer; nothing for what is no question. */
  readonly answer: (body: unknown) => object | undefined;
  readonly events: Pick<Events, 'unexpected'>;
}

/** An object and what was there before, each at most what etcd takes. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

export function admissionRoutes({ answer, events }: AdmissionParts): Hono {
  const routes = new Hono();
  const limit = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => c.json({ error: 'too large' }, 413) });
  routes.post('/admission', limit, async (c) => {
    const body = await c.req.json<unknown>().catch(() => undefined);
    const review = answer(body);
    return review === undefined ? c.json({ error: 'no AdmissionReview of an object' }, 400) : c.json(review);
  });
  routes.notFound((c) => c.json({ error: 'not found' }, 404));
  routes.onError((cause, c) => {
    events.unexpected({ where: 'admission', cause });
    return c.json({ error: 'internal error' }, 500);
  });
  return routes;
}
