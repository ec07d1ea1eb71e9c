// Whether Capstan's service account may do what its configuration asks of it.
import { ifSeen, type Check } from './check.ts';
import { formatResource } from './rights.ts';

export const RIGHTS_CHECK: Check = {
  id: 'rights',
  consequence: 'what needs the right does not work, and /readyz says so',
  judge: ({ rights, settings }) =>
    ifSeen(rights, (all) =>
      all
        .filter(({ allowed }) => !allowed)
        .map(({ verb, namespace, name, feature, ...of }) => ({
          subject: `ServiceAccount ${settings.namespace}/${settings.serviceAccount}`,
          wrong: `may not ${verb} ${formatResource(of)}${name === undefined ? '' : ` ${name}`}${namespace === undefined ? '' : ` in ${namespace}`}, which ${feature} needs`,
          fix: 'apply the roles of the chart of this version: helm upgrade, or istio-config/manifests/capstan.yaml',
        })),
    ),
};
