// One identity: who holds its certificates, what these lead to, what was decided about it, and how its pods ended.
import type { IdentityAnswer } from '../../adapters/http/admin/administer-inventory.ts';
import type { InventoryRow } from '../../authority/inventory/inventory-overview.ts';
import type { ClosingRecord } from '../../ports/storage/closing-journal.ts';
import type { Decided } from '../../review/explain/decided.ts';
import { formatQuantity } from '../../domain/text/format-count.ts';
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
  const { rows, decisions, closings, chains } = answer;
  const history = [...decisions.map(decided), ...closings.map(closed)].toSorted((a, b) => b.timeMs - a.timeMs);
  return (
    <>
      <RecordedUntil of={answer} />
      {rows.length === 0 && <p class="none">It has no certificate, and had none lately.</p>}
      {rows.map((row) => (
        <Holder key={`${row.cluster} ${row.podUid ?? ''}`} of={row} chain={chains[row.issuer] ?? []} />
      ))}
      <Table
        caption="History, newest first"
        head={['What', 'Time', 'Serial or reason', 'Pod', 'Over', 'Authenticated by', 'Issuer']}
        none="Nothing about it is on record."
        rows={history}
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

interface Happened extends Row {
  readonly timeMs: number;
}

function decided(decision: Decided): Happened {
  const { decisionId, timeMs, outcome, serial, reason = '', count, podName, api } = decision;
  const { authenticationMethod, issuer, explanation, message } = decision;
  return {
    timeMs,
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

/** Its entry may have left the inventory long ago; what is on record of its end has not. */
function closed(closing: ClosingRecord): Happened {
  const { timeMs, podUid, podName, serviceAccountUid = '', cluster, reason, liveCertificates, latestEndMs } = closing;
  return {
    timeMs,
    key: `end ${cluster} ${podUid} ${serviceAccountUid}`,
    cells: [
      <State word="ended" tone="plain" />,
      <Moment at={timeMs} />,
      <>
        <Name of={reason} />
        {liveCertificates > 0 && (
          <div class="quiet">
            {formatQuantity(liveCertificates, 'certificate')} valid then, the last until <Moment at={latestEndMs} />
          </div>
        )}
      </>,
      <Name of={podName} />,
      '–',
      '–',
      '–',
    ],
  };
}
