// Whether Istio asks Capstan: addresses, providers, audiences, and istiod's own CA.
import { ifSeen, isCapstan, type Check, type Problem } from './check.ts';
import type { Injection, Istiod } from '../../adapters/kubernetes/diagnosis/installation.ts';
import type { CapstanSettings, DoctorFacts } from './facts.ts';

const RA_MODE = 'ISTIOD_RA_KUBERNETES_API';

export const ISTIO_CHECKS: readonly Check[] = [
  {
    id: 'ca-address',
    consequence: 'agents ask somebody else than Capstan, or nobody',
    judge: (facts) =>
      ifSeen(facts.injections, (injections) =>
        injections
          .filter((injection) => !signsForCapstan(facts, injection))
          .flatMap((injection) => addressProblems(subjectOf(injection), injection.caAddress, facts)),
      ),
  },
  {
    id: 'ztunnel-ca-address',
    consequence: "ztunnel asks istiod: the istiod chart's caAddress does not reach it",
    judge: (facts) =>
      ifSeen(facts.ztunnels, (all) =>
        all.flatMap(({ namespace, name, caAddress = '' }) =>
          addressProblems(`DaemonSet ${namespace}/${name}`, caAddress.replace(/^https:\/\//, ''), facts, {
            missing: 'has no CA_ADDRESS, so it asks istiod',
            fix: 'of the ztunnel chart, which has its own value: helm upgrade ztunnel istio/ztunnel -f istio-config/istio/ambient.yaml',
          }),
        ),
      ),
  },
  {
    id: 'istiod-ca-server',
    consequence: 'istiod signs as well, and writes istio-ca-root-cert against Capstan',
    judge: ({ istiods }) =>
      ifSeen(istiods, (all) =>
        all
          .filter(({ env }) => env['ENABLE_CA_SERVER'] !== 'false' && env['EXTERNAL_CA'] !== RA_MODE)
          .map((istiod) => ({
            subject: deployment(istiod),
            wrong: `is still a CA: ENABLE_CA_SERVER is ${istiod.env['ENABLE_CA_SERVER'] ?? 'not set'}`,
            fix: 'set pilot.env.ENABLE_CA_SERVER: "false" (as text; a bare false is dropped) in the values of istiod',
          })),
      ),
  },
  {
    id: 'pilot-cert-provider',
    consequence: 'agents do not mount the root ConfigMap, and cannot verify Capstan',
    judge: ({ injections }) =>
      ifSeen(injections, (all) =>
        all
          .filter(({ pilotCertProvider }) => !['', 'istiod'].includes(pilotCertProvider))
          .map((injection) => ({
            subject: subjectOf(injection),
            wrong: `has pilotCertProvider: ${injection.pilotCertProvider}, with which pods do not mount istio-ca-root-cert`,
            fix: 'set global.pilotCertProvider: istiod, also with an external CA',
          })),
      ),
  },
  {
    id: 'trust-domain',
    consequence: 'agents ask for identities that Capstan does not issue (CAP-C04)',
    judge: ({ meshes, settings }) =>
      ifSeen(meshes, (all) =>
        all
          .filter(({ trustDomain }) => trustDomain !== settings.trustDomain)
          .map(({ namespace, revision, trustDomain }) => ({
            subject: `ConfigMap ${namespace}/${named('istio', revision)}`,
            wrong: `has trustDomain ${trustDomain}, Capstan has ${settings.trustDomain}`,
            fix: `make meshConfig.trustDomain and Capstan's trustDomain the same; docs/migration.md says how one is changed`,
          })),
      ),
  },
  {
    id: 'ztunnel-account',
    consequence: 'ztunnel is refused for all pods of its node (CAP-A07)',
    judge: ({ ztunnels, settings }) =>
      ifSeen(ztunnels, (all) =>
        all
          .map((ztunnel) => ({ ...ztunnel, account: `${ztunnel.namespace}/${ztunnel.serviceAccount}` }))
          .filter(({ account }) => !settings.trustedNodeAccounts.includes(account))
          .map(({ namespace, name, account }) => ({
            subject: `DaemonSet ${namespace}/${name}`,
            wrong: `runs as ${account}, which is not trusted: Capstan trusts ${list(settings.trustedNodeAccounts)}`,
            fix: `add ${account} to cluster.kubernetes.trustedNodeAccounts`,
          })),
      ),
  },
];

/** In RA mode agents ask istiod, and istiod asks Capstan. */
function signsForCapstan({ istiods }: DoctorFacts, { namespace, revision }: Injection): boolean {
  const own = 'known' in istiods ? istiods.known : [];
  return own.some(
    (one) => one.namespace === namespace && one.revision === revision && one.env['EXTERNAL_CA'] === RA_MODE,
  );
}

function addressProblems(
  subject: string,
  caAddress: string,
  { settings, istiods }: DoctorFacts,
  words = {
    missing: 'has no caAddress, so agents ask istiod',
    fix: 'in the values of istiod: helm upgrade istiod istio/istiod -f istio-config/istio/sidecars.yaml',
  },
): readonly Problem[] {
  const wanted = `${settings.name}.${settings.namespace}.svc:${settings.tlsPort}`;
  const fix = `set caAddress: ${wanted} ${words.fix}`;
  if (caAddress === '') return [{ subject, wrong: words.missing, fix }];
  const [host = '', port] = caAddress.split(':');
  if (isIstiod(host, settings, istiods))
    return [{ subject, wrong: `has caAddress ${caAddress}, so it is istiod that is asked`, fix }];
  if (!isCapstan(host, settings))
    return [
      {
        subject,
        wrong: `has caAddress ${caAddress}, which is not a name of Capstan's`,
        fix: `${fix}; where it leads to Capstan, add ${host} to serving.dnsNames`,
      },
    ];
  if (port === '15010')
    return [{ subject, wrong: `has caAddress ${caAddress}: agents speak no TLS at port 15010`, fix }];
  return port === String(settings.tlsPort)
    ? []
    : [{ subject, wrong: `has caAddress ${caAddress}, and Capstan listens at ${settings.tlsPort}`, fix }];
}

/** Its name is among those of Capstan's certificate, for agents that dial "localhost", and leads to it all the same. */
function isIstiod(host: string, { name, namespace }: CapstanSettings, istiods: DoctorFacts['istiods']): boolean {
  const own = 'known' in istiods ? istiods.known : [];
  return own.some(
    (istiod) =>
      host.startsWith(`${istiod.name}.${istiod.namespace}.svc`) &&
      !(istiod.name === name && istiod.namespace === namespace),
  );
}

function subjectOf({ namespace, revision }: Injection): string {
  return `ConfigMap ${namespace}/${named('istio-sidecar-injector', revision)}`;
}

function deployment({ namespace, name }: Istiod): string {
  return `Deployment ${namespace}/${name}`;
}

/** Objects of a revision have its name at the end. */
function named(name: string, revision: string): string {
  return revision === '' || revision === 'default' ? name : `${name}-${revision}`;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}
