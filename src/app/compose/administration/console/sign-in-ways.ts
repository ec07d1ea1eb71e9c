// The ways to sign in to the console that the configuration opens.
import { readFile } from 'node:fs/promises';
import type { SessionCookie, SignInWay } from '../../../../adapters/http/console/console-environment.ts';
import { OpenIdProvider, type ProviderSecrets } from '../../../../adapters/http/console/oidc/openid-provider.ts';
import { CALLBACK, signInByOidc } from '../../../../adapters/http/console/oidc/sign-in-by-oidc.ts';
import type { OneTimeLink } from '../../../../adapters/http/console/one-time-link.ts';
import { signInByCertificate } from '../../../../adapters/http/console/sign-in-by-certificate.ts';
import { signInByLink } from '../../../../adapters/http/console/sign-in-by-link.ts';
import type { Config } from '../../../../config/schema.ts';
import type { Foundation } from '../../foundation.ts';

interface Parts {
  readonly cookie: SessionCookie;
  readonly link: OneTimeLink;
}

export function composeSignIn(
  { listen: { console, administration } }: Config,
  foundation: Foundation,
  { cookie, link }: Parts,
): readonly SignInWay[] {
  if (console.oneTimeLink) return [signInByLink(link, cookie)];
  const { teams } = console;
  const oidc = composeOidc(console, foundation, cookie);
  const certified = { roles: administration.roles, teams };
  return [
    ...(oidc === undefined ? [] : [oidc]),
    ...(administration.clientCaFile === undefined ? [] : [signInByCertificate(certified, cookie)]),
  ];
}

function composeOidc(
  { oidc, teams, url }: Config['listen']['console'],
  { clock, random, running: signal }: Foundation,
  cookie: SessionCookie,
): SignInWay | undefined {
  const { issuer, clientId, clientSecretFile, caFile, scopes, claim, roles } = oidc;
  if (issuer === undefined || clientId === undefined || url === undefined) return undefined;
  const secrets = async (): Promise<ProviderSecrets> => ({
    ...(clientSecretFile !== undefined && { clientSecret: (await readFile(clientSecretFile, 'utf8')).trim() }),
    ...(caFile !== undefined && { caPem: await readFile(caFile, 'utf8') }),
  });
  const provider = new OpenIdProvider({ secrets }, { issuer, clientId, scopes, redirectUri: url + CALLBACK });
  return signInByOidc({
    provider,
    people: { claim, roles, teams },
    cookie,
    clock,
    random,
    signal,
  });
}
