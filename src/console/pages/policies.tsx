// The policies in force: names and digests, whose files are not what is in force, and what they ask of the cluster in vain.
import type { PolicyInForce } from '../../adapters/http/observation/routes.ts';
import { DriftFromGit } from './policy-drift.tsx';
import { RefusedTodayTable } from './refused-today.tsx';
import { WithAnswer } from '../parts/answered.tsx';
import { Facts } from '../parts/facts.tsx';
import { Table } from '../parts/table.tsx';
import { Code, Name, State } from '../parts/values.tsx';
import { useAnswer } from '../use-answer.ts';

interface PoliciesAnswer {
  readonly asOfMs: number;
  readonly inForce?: PolicyInForce;
}

export function PoliciesPage() {
  const policies = useAnswer<PoliciesAnswer>('/api/policies');
  return (
    <WithAnswer
      of={policies}
      show={({ inForce }) =>
        inForce === undefined ? <p role="alert">No policy is loaded: nothing is issued.</p> : <InForce of={inForce} />
      }
    />
  );
}

function InForce({
  of: { revision, bundle, policies, drift, certificates, outOfDate = [], unseen = [] },
}: {
  readonly of: PolicyInForce;
}) {
  return (
    <>
      <Facts
        facts={[
          ['Revision', <Code of={revision} />],
          ['Bundle', <Name of={`${bundle.name}@${bundle.sequence}`} />],
          ['Digest of the bundle', <Code of={bundle.digest} />],
        ]}
      />
      {drift !== undefined && <DriftFromGit of={drift} />}
      {certificates !== undefined && <RefusedTodayTable of={certificates} />}
      {outOfDate.length > 0 && (
        <Table
          caption="Not what their files say"
          head={['Owner', 'In force', 'Why']}
          none=""
          rows={outOfDate.map(({ owner, state, problem }) => ({
            key: owner,
            cells: [<Name of={owner} />, <State word={state} tone="warn" />, <Name of={problem} />],
          }))}
        />
      )}
      {unseen.length > 0 && (
        <Table
          caption="Asked of the cluster in vain"
          head={['Kind', 'Cluster', 'Why']}
          none=""
          rows={unseen.map(({ kind, apiVersion = '', remoteCluster = '–', why }) => ({
            key: `${remoteCluster} ${apiVersion} ${kind}`,
            cells: [<Name of={`${kind} ${apiVersion}`.trim()} />, <Name of={remoteCluster} />, <Name of={why} />],
          }))}
        />
      )}
      <Table
        caption="Policies of clusters and namespaces"
        head={['Name', 'Kind', 'Namespace', 'Digest']}
        none="The bundle alone is in force."
        rows={policies.map(({ kind, namespace = '–', name, digest }) => ({
          key: `${kind} ${namespace} ${name}`,
          cells: [<Name of={name} />, kind, <Name of={namespace} />, <Code of={digest.slice(0, 16)} />],
        }))}
      />
    </>
  );
}
