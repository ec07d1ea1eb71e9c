// Whether the tokens that agents send are those that Capstan takes.
import { ifBothSeen, ifSeen, type Check } from './check.ts';
import type { CapstanSettings } from './facts.ts';

export const TOKEN_CHECKS: readonly Check[] = [
  {
    id: 'token-audience',
    consequence: 'every request is refused as not authenticated (CAP-A01)',
    judge: ({ injections, settings }) =>
      ifSeen(injections, (all) =>
        all
          .filter(({ tokenAudience }) => !audiencesOf(settings).includes(tokenAudience))
          .map(({ namespace, tokenAudience }) => ({
            subject: `ConfigMap ${namespace}/istio-sidecar-injector`,
            wrong: `gives pods tokens for the audience ${tokenAudience || '(none)'}; Capstan takes ${audiencesOf(settings).join(', ') || 'none'}`,
            fix: 'add it to the audiences of the token issuer, or set global.sds.token.aud: istio-ca',
          })),
      ),
  },
  {
    id: 'token-issuer',
    consequence: 'every request is refused as not authenticated (CAP-A01)',
    judge: ({ apiServerIssuer, settings }) =>
      ifBothSeen(apiServerIssuer, { known: settings }, (issuer, { tokenIssuers, apiServerAudiences }) =>
        apiServerAudiences !== undefined || tokenIssuers.some((known) => known.issuer === issuer)
          ? []
          : [
              {
                subject: 'authentication.tokens.issuers',
                wrong: `does not name ${issuer}, which issues the tokens of this cluster`,
                fix: `set cluster.kubernetes.from: inCluster, or add an issuer with exactly this name`,
              },
            ],
      ),
  },
];

function audiencesOf({ apiServerAudiences = [], tokenIssuers }: CapstanSettings): readonly string[] {
  return [...new Set([...apiServerAudiences, ...tokenIssuers.flatMap(({ audiences }) => audiences)])];
}
