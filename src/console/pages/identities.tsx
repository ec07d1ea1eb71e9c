// Who has a certificate, page by page. What is looked for stands in the address under the names that the server has for it.
import type { InventoryAnswer } from '../../adapters/http/admin/administer-inventory.ts';
import type { InventoryRow } from '../../authority/inventory/inventory-overview.ts';
import { parseDuration } from '../../domain/text/duration.ts';
import { formatSpan, formatTime } from '../../domain/text/format-time.ts';
import { serverNowMs } from '../ask.ts';
import { WithAnswer } from '../parts/answered.tsx';
import { Choice, Filters, Text } from '../parts/filters.tsx';
import { Table, type Row } from '../parts/table.tsx';
import { Moment, Name, State, type Tone } from '../parts/values.tsx';
import { goTo, withChoice, type Address } from '../route.ts';
import { useAnswer } from '../use-answer.ts';
import type { PageProps } from './pages.tsx';

const TEXTS = [
  ['identity', 'Identity'],
  ['serial', 'Serial'],
  ['podName', 'Pod'],
  ['nodeName', 'Node'],
  ['namespace', 'Namespace'],
  ['issuerName', 'Issuer'],
  ['trustAnchor', 'Trust anchor'],
] as const;
const TONES: Readonly<Record<InventoryRow['state'], Tone>> = {
  live: 'good',
  renewing: 'plain',
  overdue: 'bad',
  revoked: 'bad',
  ended: 'plain',
};
const ALL = 'any';
const NOT_ENDED = 'not ended';
const STATES = [NOT_ENDED, ...Object.keys(TONES)];
const SPANS = [ALL, '15m', '1h', '6h', '24h', '7d', '30d'] as const;
const ROWS = 100;

export function IdentitiesPage({ address }: PageProps) {
  const chosen = (name: string): string => address.query.get(name) ?? '';
  // Another question begins at its first page.
  const choose = (name: string) => (value: string) => goTo(withChoice(address, { [name]: value, cursor: '' }));
  const found = useAnswer<InventoryAnswer>(`/api/inventory?${address.query.toString()}`, () => questionOf(address));
  return (
    <>
      <Filters>
        {TEXTS.map(([name, label]) => (
          <Text key={name} label={label} value={chosen(name)} onText={choose(name)} />
        ))}
        <Choice
          label="State"
          value={chosen('state') || NOT_ENDED}
          of={STATES}
          onChoice={(value) => choose('state')(value === NOT_ENDED ? '' : value)}
        />
        <Choice
          label="Ends within"
          value={chosen('endsWithin') || ALL}
          of={SPANS}
          onChoice={(value) => choose('endsWithin')(value === ALL ? '' : value)}
        />
      </Filters>
      <WithAnswer of={found} show={(answer) => <Identities of={answer} address={address} />} />
    </>
  );
}

/** The address says how long from now on, the server is asked of a moment. */
function questionOf({ query }: Address): string {
  const asked = new URLSearchParams(query);
  asked.set('limit', String(ROWS));
  asked.delete('endsWithin');
  const within = query.get('endsWithin');
  if (within !== null) {
    const ms = parseDuration(within);
    // What is no length of time the server says.
    asked.set('endsBeforeMs', typeof ms === 'number' ? String(Math.round(serverNowMs() + ms)) : within);
  }
  return `/api/inventory?${asked.toString()}`;
}

function Identities({ of, address }: { readonly of: InventoryAnswer } & PageProps) {
  const { rows, cursor } = of;
  const isFirst = !address.query.has('cursor');
  const none =
    cursor === undefined
      ? 'Nobody has such a certificate.'
      : 'Nobody among those that were looked through; there are more.';
  return (
    <>
      <RecordedUntil of={of} />
      <Table caption="Identities" head={HEAD} none={none} rows={rows.map(rowOf)} />
      <nav class="turn" aria-label="More identities">
        {!isFirst && <a href={withChoice(address, { cursor: '' })}>First page</a>}
        {cursor !== undefined && <a href={withChoice(address, { cursor })}>Next page</a>}
      </nav>
    </>
  );
}

/** The list is derived from the journal: how far, by the clock of the server alone. */
export function RecordedUntil({ of: { asOfMs, nowMs } }: { readonly of: Pick<InventoryAnswer, 'asOfMs' | 'nowMs'> }) {
  if (asOfMs === undefined) return <p class="as-of old">The journal is not read yet: nobody is listed.</p>;
  return (
    <p class="as-of">
      With what was on record at {formatTime(asOfMs)}, {formatSpan(Math.max(0, nowMs - asOfMs))} before
    </p>
  );
}

const HEAD = ['Identity', 'State', 'Pod', 'Node', 'Cluster', 'Issuer', 'Renewal due', 'Ends'];

function rowOf(row: InventoryRow): Row {
  const { identity, cluster, podUid = '', podName, nodeName, issuer, issuerName, notAfterMs } = row;
  return {
    key: `${identity} ${cluster} ${podUid}`,
    cells: [
      <div class="long">
        <a href={identityAt(identity)}>
          <Name of={identity} />
        </a>
      </div>,
      <StateOf of={row} />,
      <Name of={podName ?? '–'} />,
      <Name of={nodeName ?? '–'} />,
      <Name of={cluster} />,
      <Name of={issuerName ?? issuer} />,
      <RenewalOf of={row} />,
      <Moment at={notAfterMs} />,
    ],
  };
}

/** Where the page of one is. */
export function identityAt(identity: string): string {
  return `/identity?identity=${encodeURIComponent(identity)}`;
}

/** With why it ended, where it did. */
export function StateOf({ of: { state, end } }: { readonly of: InventoryRow }) {
  return (
    <>
      <State word={state} tone={TONES[state]} />
      {end !== undefined && (
        <div class="quiet">
          <Name of={end.reason} />
        </div>
      )}
    </>
  );
}

/** Nobody waits for that of what has ended or was revoked. */
export function RenewalOf({ of: { state, renewalMs } }: { readonly of: InventoryRow }) {
  return state === 'ended' || state === 'revoked' ? <>–</> : <Moment at={renewalMs} />;
}
