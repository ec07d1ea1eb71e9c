// One identity: who holds its certificates, what these lead to, what was decided about it, and how its pods ended.
import type { IdentityAnswer } from '../../adapters/http/admin/administer-inventory.ts';
import type { InventoryRow } from '../../authority/inventory/inventory-overview.ts';
import type { Decided } from '../../review/explain/decided.ts';
import { formatCount } from '../../domain/text/format-count.ts';
import { WithAnswer } from '../parts/answered.tsx';
import { Facts, type Fact } from '../parts/facts.tsx';
import { RecordedUntil, RenewalOf, StateOf } from '../parts/holder.tsx';
import { Turn } from '../parts/turn.tsx';
import { Code, Moment, Name } from '../parts/values.tsx';
import { useAnswer } from '../use-answer.ts';
import { History } from './history.tsx';
import type { PageProps } from './pages.tsx';

type Answer = IdentityAnswer<Decided>;

export function IdentityPage({ address }: PageProps) {
  const identity = address.query.get('identity') ?? '';
  const cursor = address.query.get('cursor');
  const asked = new URLSearchParams({ identity, ...(cursor !== null && { cursor }) });
  const found = useAnswer<Answer>(`/api/inventory/identity?${asked.toString()}`);
  return (
    <>
      <p>
        <Code of={identity} />
      </p>
      <WithAnswer of={found} show={(answer) => <Details of={answer} address={address} />} />
    </>
  );
}

function Details({ of: answer, address }: { readonly of: Answer } & PageProps) {
  const { rows, decisions, closings, chains, cursor } = answer;
  return (
    <>
      <RecordedUntil of={answer} />
      {cursor !== undefined && (
        <p>It is in more pods than stand here: {formatCount(rows.length)} of them, and more on the next page.</p>
      )}
      {rows.length === 0 && <p class="none">It has no certificate, and had none lately.</p>}
      {rows.map((row) => (
        <Holder key={`${row.cluster} ${row.podUid ?? ''}`} of={row} chain={chains[row.issuer] ?? []} />
      ))}
      <Turn label="More pods" address={address} cursor={cursor} />
      <History decisions={decisions} closings={closings} />
    </>
  );
}

function Holder({ of: row, chain }: { readonly of: InventoryRow; readonly chain: Answer['chains'][string] }) {
  const { podName, issuerName, issuer, trustAnchor } = row;
  return (
    <section>
      <h2>{podName === undefined ? 'Without a pod' : <>Pod {<Name of={podName} />}</>}</h2>
      <Facts facts={factsOf(row)} />
      <h3>Chain, up to the trust anchor</h3>
      <ol class="chain">
        <li>
          certificate <Code of={row.serial} /> until <Moment at={row.notAfterMs} />
        </li>
        {chain.length === 0 && (
          <li>
            issuer <Name of={issuerName ?? ''} /> <Code of={issuer} />, by a certificate that is in force no more
          </li>
        )}
        {chain.map(({ subject, sha256, notAfterMs }) => (
          <li key={sha256}>
            <Name of={subject} /> <Code of={sha256.slice(0, 16)} /> until <Moment at={notAfterMs} />
          </li>
        ))}
        <li>
          trust anchor <Code of={trustAnchor ?? 'not known'} />
        </li>
      </ol>
    </section>
  );
}

function factsOf(row: InventoryRow): readonly Fact[] {
  const { cluster, nodeName, relay, authenticationMethod, api, policyRevision, acknowledged, bundle, end } = row;
  return [
    ['State', <StateOf of={row} />],
    ...(end === undefined ? [] : [['Ended', <Moment at={end.atMs} />] as const]),
    ...(row.revokedMs === undefined ? [] : [['Revoked', <Moment at={row.revokedMs} />] as const]),
    ['Issued', <Moment at={row.issuedMs} />],
    ['Renewal due', <RenewalOf of={row} />],
    ['Ends', <Moment at={row.notAfterMs} />],
    ['Cluster', <Name of={cluster} />],
    ['Node', <Name of={nodeName ?? '–'} />],
    ...(relay === undefined ? [] : [['Held by', <Name of={relay} />] as const]),
    ['Class', row.class],
    ['Authenticated by', `${authenticationMethod ?? 'nothing on record'}, over ${api}`],
    ['Policies', <Code of={policyRevision?.slice(0, 16) ?? '–'} />],
    ['Trust bundle sent', <Code of={bundle?.slice(0, 16) ?? '–'} />],
    [
      'Trust bundle acknowledged',
      acknowledged === undefined ? (
        '–'
      ) : (
        <>
          <Code of={acknowledged.digest.slice(0, 16)} /> <Moment at={acknowledged.timeMs} />
        </>
      ),
    ],
  ];
}
