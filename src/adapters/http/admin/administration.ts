// What an operator on this machine may ask of a running server, and tell it: on a Unix socket that only the
// server's own user can open, never on the HTTP port, which knows nobody.
//
// To add a route, write an `AdministrationPart` in a file of its own beside this one (`administer-<what>.ts`: it
// gets its collaborators as arguments and answers JSON), name it in `src/app/compose/administration.ts`, and ask it from a
// command with `askServer` (`src/cli/administration.ts`). What changes something is a POST.
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Events } from '../../../ports/platform/events.ts';

/** Adds its routes. A handler may throw an AuthorityError: the operator reads its message. */
export type AdministrationPart = (routes: Hono) => void;

/** Of a request; every one so far is a few words. */
const MAX_BODY_BYTES = 64 * 1024;

export function administrationRoutes(
  parts: readonly AdministrationPart[],
  { events }: { readonly events: Pick<Events, 'unexpected'> },
): Hono {
  const routes = new Hono();
  routes.use(
    bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => c.json({ error: 'the request is too large' }, 413) }),
  );
  for (const addTo of parts) addTo(routes);
  routes.notFound((c) => c.json({ error: 'this server has no such page: is it of another version?' }, 404));
  routes.onError((cause, c) => {
    if (cause instanceof AuthorityError) return c.json({ error: cause.message }, 409);
    events.unexpected({ where: 'administration', cause });
    return c.json({ error: 'internal error' }, 500);
  });
  return routes;
}
