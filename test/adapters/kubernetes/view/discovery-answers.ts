// What an API server serves, as it spells it.
import type { ApiKind } from '../../../../src/adapters/kubernetes/api/kubernetes-api.ts';

export function served(apiVersion: string, kind: string, plural: string): ApiKind {
  return { apiVersion, kind, plural, namespaced: true };
}

/** As the API server spells aggregated discovery. */
export function discovery(kinds: readonly ApiKind[]): object {
  const split = ({ apiVersion }: ApiKind) => (apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]);
  const groups = Map.groupBy(kinds, (kind) => split(kind)[0]);
  const items = [...groups].map(([name, served]) => ({
    metadata: { name },
    versions: [...Map.groupBy(served, (kind) => split(kind)[1])].map(([version, resources]) => ({
      version,
      resources: resources.map(({ plural, kind, namespaced }) => ({
        resource: plural,
        responseKind: { kind },
        scope: namespaced ? 'Namespaced' : 'Cluster',
        verbs: ['get', 'list', 'watch'],
      })),
    })),
  }));
  return { kind: 'APIGroupDiscoveryList', items };
}
