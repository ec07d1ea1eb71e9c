// Who has a certificate, page by page. What is looked for stands in the address under the names that the server has for it.
import type { InventoryAnswer } from '../../adapters/http/admin/administer-inventory.ts';
import { WithAnswer } from '../parts/answered.tsx';
import { Choice, Filters, Text } from '../parts/filters.tsx';
import { INVENTORY_STATES, RecordedUntil, RenewalOf, StateOf } from '../parts/holder.tsx';
import { Table, type Row } from '../parts/table.tsx';
import { Turn } from '../parts/turn.tsx';
import { Moment, Name } from '../parts/values.tsx';
import { goTo, withChoice } from '../route.ts';
import { useAnswer } from '../use-answer.ts';
import { questionOf } from '../identities-question.ts';
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
const ALL = 'any';
const NOT_ENDED = 'not ended';
const STATES = [NOT_ENDED, ...INVENTORY_STATES];
const SPANS = [ALL, '15m', '1h', '6h', '24h', '7d', '30d'] as const;

export function IdentitiesPage({ address }: PageProps) {
  const chosen = (name: string): string => address.query.get(name) ?? '';
  // Another question begins at its first page.
  const choose = (name: string) => (value: string) => goTo(withChoice(address, { [name]: value, cursor: '' }));
  const found = useAnswer<InventoryAnswer>(`/api/inventory?${address.query.toString()}`, {
    askedNow: () => questionOf(address.query),
  });
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

function Identities({ of, address }: { readonly of: InventoryAnswer } & PageProps) {
  const { rows, cursor } = of;
  const none =
    cursor === undefined
      ? 'Nobody has such a certificate.'
      : 'Nobody among those that were looked through; there are more.';
  return (
    <>
      <RecordedUntil of={of} />
      <Table caption="Identities" head={HEAD} none={none} rows={rows.map(rowOf)} />
      <Turn label="More identities" address={address} cursor={cursor} />
    </>
  );
}

const HEAD = ['Identity', 'State', 'Pod', 'Node', 'Cluster', 'Issuer', 'Renewal due', 'Ends'];

function rowOf(row: InventoryAnswer['rows'][number]): Row {
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
