// Whether the policy bundle is in order for this cluster, and says something of each namespace of the mesh.
import { matchesAny } from '../../domain/policy/name-patterns.ts';
import type { CentralRule, NamespaceSelector, PolicyBundle } from '../../domain/policy/documents.ts';
import { audienceProblem } from '../../domain/policy/bundle/audience.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import { ifBothSeen, ifSeen, type Check } from './check.ts';
import type { MeshNamespace } from '../../adapters/kubernetes/diagnosis/installation.ts';

const SUBJECT = 'policy bundle';

export const POLICY_CHECKS: readonly Check[] = [
  {
    id: 'bundle-absent',
    consequence: 'no policy comes in force, and a server that has none yet does not start',
    judge: ({ missingBundle, settings }) =>
      missingBundle === undefined
        ? []
        : [
            {
              subject: missingBundle,
              wrong: 'is what policy.bundle.from names, and has no policy bundle in the key bundle.yaml',
              fix: `kubectl -n ${settings.namespaces.bundle} create ${settings.names.bundleSecret.length > 0 ? 'secret generic' : 'configmap'} ${[...settings.names.bundleConfigMap, ...settings.names.bundleSecret].join('')} --from-file=bundle.yaml --from-file=bundle.yaml.sig`,
            },
          ],
  },
  {
    id: 'bundle-signature',
    consequence: 'the bundle does not come in force',
    judge: ({ bundle }) =>
      ifSeen(bundle, ({ problems }) =>
        problems.map((wrong) => ({
          subject: SUBJECT,
          wrong,
          fix: 'have policy.bundle.threshold of the pinned keys sign it: capstan bundle sign; policy.bundle.keys are the keys',
        })),
      ),
  },
  {
    id: 'bundle-age',
    consequence: 'past its hard expiry nobody new gets an identity (CAP-P11)',
    judge: ({ bundle, nowMs }) =>
      ifSeen(bundle, ({ bundle: parsed }) => {
        if (parsed === undefined) return [];
        const { notBeforeMs, softExpiryMs, hardExpiryMs } = parsed.validity;
        const subject = `${SUBJECT} ${parsed.name}@${parsed.sequence}`;
        const fix = 'have the security team sign the next sequence with later dates';
        if (nowMs < notBeforeMs) return [{ subject, wrong: `begins only ${formatTime(notBeforeMs)}`, fix }];
        if (nowMs >= hardExpiryMs)
          return [{ subject, wrong: `is past its hard expiry, ${formatTime(hardExpiryMs)}`, fix }];
        if (nowMs < softExpiryMs) return [];
        return [{ subject, wrong: `is past its soft expiry, ${formatTime(softExpiryMs)}`, fix, severity: 'warning' }];
      }),
  },
  {
    id: 'bundle-audience',
    consequence: 'the bundle does not come in force',
    judge: ({ bundle, settings }) =>
      ifSeen(bundle, ({ bundle: parsed }) => {
        const wrong = parsed && audienceProblem(parsed, settings.clusterId);
        const fix = `set cluster.id to the name of this cluster, or have ${settings.clusterId} added to audience.clusters`;
        return wrong === undefined ? [] : [{ subject: SUBJECT, wrong, fix }];
      }),
  },
  {
    id: 'unnamed-namespace',
    consequence: 'every workload there is refused (CAP-P01)',
    judge: ({ bundle, meshNamespaces }) =>
      ifBothSeen(bundle, meshNamespaces, ({ bundle: parsed }, namespaces) =>
        parsed === undefined
          ? []
          : namespaces
              .filter((namespace) => !isNamed(namespace, parsed))
              .map(({ name }) => ({
                subject: `Namespace ${name}`,
                wrong: `is in the mesh, and no rule of ${parsed.name}@${parsed.sequence} grants anybody in it an identity`,
                fix: 'have the rule added to the bundle (capstan policy suggest), or take the namespace out of the mesh',
                severity: 'warning',
              })),
      ),
  },
];

function isNamed(namespace: MeshNamespace, { rules }: PolicyBundle): boolean {
  return rules.some((rule) => grants(rule) && selects(rule.match.namespaces, namespace));
}

function grants({ bounds, mode }: CentralRule): boolean {
  return bounds !== undefined && mode !== 'off';
}

function selects({ names, labels = {} }: NamespaceSelector, namespace: MeshNamespace): boolean {
  return (
    (names === undefined || matchesAny(names, namespace.name)) &&
    Object.entries(labels).every(([label, value]) => namespace.labels[label] === value)
  );
}
