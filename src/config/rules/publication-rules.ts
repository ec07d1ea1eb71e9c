// Rules about what is published in the cluster.
import type { Config } from '../schema.ts';
import type { Rule } from './rules.ts';

const PUBLISH = 'cluster.kubernetes.publish';
const NEEDS_API = { problem: 'needs cluster.kubernetes.from: what is published is written through the API server' };
const NEEDS_ROOT_LIST = {
  problem: 'needs trustAnchors.crlFile: readers look for a list of every CA in a chain, the root included',
};
const TWICE = { problem: 'is the name of another one too' };

export const PUBLICATION_RULES: readonly Rule[] = [
  {
    reads: [`${PUBLISH}.rootConfigMap.enabled`, 'cluster.kubernetes.from'],
    check: ({ cluster: { kubernetes } }) => needsApi(kubernetes.publish.rootConfigMap.enabled, kubernetes),
  },
  {
    reads: [`${PUBLISH}.crlConfigMap.enabled`, 'cluster.kubernetes.from', 'trustAnchors.crlFile'],
    check: ({ cluster: { kubernetes }, trustAnchors }) => {
      const { enabled } = kubernetes.publish.crlConfigMap;
      return [
        ...needsApi(enabled, kubernetes),
        ...(enabled && trustAnchors.crlFile === undefined ? [NEEDS_ROOT_LIST] : []),
      ];
    },
  },
  {
    reads: [`${PUBLISH}.clusterTrustBundles`, 'cluster.kubernetes.from'],
    check: ({ cluster: { kubernetes } }) => {
      const bundles = kubernetes.publish.clusterTrustBundles;
      const names = bundles.map(({ signerName, name }) => `${signerName}:${name}`);
      return [
        ...needsApi(bundles.length > 0, kubernetes),
        ...names.flatMap((name, index) => (names.indexOf(name) < index ? [{ within: [index, 'name'], ...TWICE }] : [])),
      ];
    },
  },
  {
    reads: [`${PUBLISH}.istiodTls.namespace`, 'cluster.kubernetes.from'],
    check: ({ cluster: { kubernetes } }) => needsApi(kubernetes.publish.istiodTls.namespace !== undefined, kubernetes),
  },
];

function needsApi(published: boolean, { from }: Config['cluster']['kubernetes']): ReturnType<Rule['check']> {
  return published && from === undefined ? [NEEDS_API] : [];
}
