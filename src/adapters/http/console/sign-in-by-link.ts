// Dev mode: who opens the printed link first is who has this machine.
import { z } from 'zod';
import { LOCAL_OPERATOR } from '../../../authority/administration/roles.ts';
import type { SessionCookie, SignInWay } from './console-environment.ts';
import type { OneTimeLink } from './one-time-link.ts';

const body = z.strictObject({ secret: z.string().max(100) });

export function signInByLink(link: OneTimeLink, cookie: SessionCookie): SignInWay {
  return {
    name: 'link',
    open: () => true,
    addTo: (routes) => {
      routes.post('/login/link', async (c) => {
        const parsed = body.safeParse(await c.req.json<unknown>().catch(() => undefined));
        if (!parsed.success || !link.use(parsed.data.secret)) {
          cookie.notSignedIn(c, 'link', { outcome: 'refused', problem: 'the link is not the one, or was used' });
          return c.json({ error: 'this link was used already, or is of a server that has ended' }, 401);
        }
        cookie.signIn(c, 'link', { operator: LOCAL_OPERATOR });
        return c.json({});
      });
    },
  };
}
