// The SPIFFE bundle endpoint (SPIFFE Federation, section 5): whoever asks gets the trust bundle of this trust domain, so that
// other trust domains, and istiod, learn new anchors without asking for a certificate. There is nothing in it but public
// certificates.
import { Hono } from 'hono';
import { AuthorityError } from '../../../domain/errors.ts';
import type { SpiffeBundle } from '../../../domain/trust/spiffe-bundle.ts';
import type { Events } from '../../../ports/platform/events.ts';

export interface BundleRoutesParts {
  /** @throws AuthorityError while there is none. */
  readonly bundle: () => SpiffeBundle;
  readonly events: Pick<Events, 'unexpected'>;
}

export function bundleRoutes({ bundle, events }: BundleRoutesParts): Hono {
  const routes = new Hono();
  routes.get('/', (c) => {
    const document = bundle();
    // No cache in between may hold a bundle for longer than its readers should.
    c.header('cache-control', `max-age=${Math.min(MAX_AGE_SECONDS, document.spiffe_refresh_hint)}`);
    return c.json(document);
  });
  routes.notFound((c) => c.json({ error: 'the trust bundle is at /' }, 404));
  routes.onError((cause, c) => {
    if (cause instanceof AuthorityError) return c.json({ error: cause.message }, 503);
    events.unexpected({ where: 'bundle endpoint', cause });
    return c.json({ error: 'internal error' }, 500);
  });
  return routes;
}

const MAX_AGE_SECONDS = 60;
