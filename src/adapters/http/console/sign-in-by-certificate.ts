// Signing in with the client certificate that the browser shows on the connection. The session is of no use without it.
import { certifiedOperator, type RoleNames } from '../admin/certified-operator.ts';
import { certificateOn } from '../connection-of.ts';
import type { SessionCookie, SignInWay } from './console-environment.ts';
import { asTeam, type Team } from './team-sight.ts';

export interface CertifiedPeople {
  readonly roles: RoleNames;
  readonly teams: readonly Team[];
}

export function signInByCertificate({ roles, teams }: CertifiedPeople, cookie: SessionCookie): SignInWay {
  return {
    name: 'certificate',
    open: () => true,
    addTo: (routes) => {
      routes.post('/login/certificate', (c) => {
        const shown = certificateOn(c.env);
        if (shown === undefined) {
          cookie.notSignedIn(c, 'certificate', {
            outcome: 'refused',
            problem: 'no certificate was shown that verifies',
          });
          return c.json({ error: 'the browser shows no client certificate that is known here' }, 401);
        }
        const { der, sha256 } = shown;
        const isNamed = (member: string): boolean =>
          certifiedOperator(der, { viewer: [member], operator: [], security: [] }).role !== 'none';
        const operator = asTeam(certifiedOperator(der, roles), teams, isNamed);
        if (operator.role === 'none') {
          const { actor } = operator;
          cookie.notSignedIn(c, 'certificate', { outcome: 'refused', actor, problem: 'it gives no role' });
          return c.json({ error: `${actor} has no role here` }, 403);
        }
        cookie.signIn(c, 'certificate', { operator, certificate: sha256 });
        return c.json({});
      });
    },
  };
}
