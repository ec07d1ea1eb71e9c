// One identity: who holds its certificates, what these lead to, and what was decided about it.
import type { IdentityAnswer } from '../../adapters/http/admin/administer-inventory.ts';
import type { InventoryRow } from '../../authority/inventory/inventory-overview.ts';
import type { Decided } from '../../review/explain/decided.ts';
import { WithAnswer } from '../parts/answered.tsx';
import { Facts, type Fact } from '../parts/facts.tsx';
import { Table, type Row } from '../parts/table.tsx';
import { Code, Moment, Name, Shown, State } from '../parts/values.tsx';
import { useAnswer } from '../use-answer.ts';
import { RecordedUntil, RenewalOf, StateOf } from './identities.tsx';
import type { PageProps } from './pages.tsx';

type Answer = IdentityAnswer<Decided>;

export function IdentityPage({ address: { query } }: PageProps) {
  const identity = query.get('identity') ?? '';
  const found = useAnswer<Answer>(`/api/inventory/identity?identity=${encodeURIComponent(identity)}`);
  return (
    <>
      <p>
        <Code of={identity} />
      </p>
      <WithAnswer of={found} show={(answer) => <Details of={answer} />} />
    </>
  );
}

function Details({ of: answer }: { readonly of: Answer }) {
  const { rows, decisions, chains } = answer;
  return (
    <>
      <RecordedUntil of={answer} />
      {rows.length === 0 && <p class="none">It has no certificate, and had none lately.</p>}
      {rows.map((row) => (
        <Holder key={`${row.cluster} ${row.podUid ?? ''}`} of={row} chain={chains[row.issuer] ?? []} />
      ))}
      <Table
        caption="History, newest first"
        head={['Decision', 'Time', 'Serial or reason', 'Pod', 'Over', 'Authenticated by', 'Issuer']}
        none="Nothing about it is on record."
        rows={decisions.map(decisionRow)}
      />
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

function decisionRow(decided: Decided): Row {
  const { decisionId, timeMs, outcome, serial, reason = '', count, podName, api } = decided;
  const { authenticationMethod, issuer, explanation, message } = decided;
  return {
    key: decisionId,
    cells: [
      <State word={outcome} tone={outcome === 'issued' ? 'good' : 'bad'} />,
      <Moment at={timeMs} />,
      <>
        <Code of={serial ?? reason} />
        {count !== undefined && ` ${count} times`}
      </>,
      <Name of={podName ?? '–'} />,
      api,
      authenticationMethod ?? '–',
      <Name of={issuer ?? '–'} />,
    ],
    below: (
      <details>
        <summary>
          Why, of decision <Code of={decisionId} />
        </summary>
        {explanation.length === 0 && <Shown text={message ?? 'Policy was not asked.'} />}
        {explanation.length > 0 && (
          <pre>
            {explanation.map((line, at) => (
              <div key={at}>
                <Shown text={line} />
              </div>
            ))}
          </pre>
        )}
      </details>
    ),
  };
}
