// The issuers: what each is, what it leads to, what it issued lately.
import type { IssuerDetails, IssuerRow } from '../../authority/administration/issuer-overview.ts';
import { formatDuration } from '../../domain/text/duration.ts';
import { WithAnswer } from '../parts/answered.tsx';
import { Facts } from '../parts/facts.tsx';
import { Table } from '../parts/table.tsx';
import { Code, Count, Moment, Name, State, type Tone } from '../parts/values.tsx';
import { useAnswer } from '../use-answer.ts';
import type { PageProps } from './pages.tsx';

const TONES: Readonly<Record<IssuerRow['state'], Tone>> = {
  active: 'good',
  preparing: 'plain',
  prepared: 'plain',
  retiring: 'plain',
  retired: 'plain',
  suspended: 'warn',
  tainted: 'bad',
  unavailable: 'bad',
};

export function issuerState({ state }: IssuerRow) {
  return <State word={state} tone={TONES[state]} />;
}

export function IssuersPage({ address: { query } }: PageProps) {
  const chosen = query.get('issuer');
  const issuers = useAnswer<{ readonly issuers: readonly IssuerRow[] }>('/api/issuers');
  return (
    <>
      <WithAnswer of={issuers} show={(answer) => <IssuersTable issuers={answer.issuers} />} />
      {chosen !== null && <Issuer name={chosen} />}
    </>
  );
}

function IssuersTable({ issuers }: { readonly issuers: readonly IssuerRow[] }) {
  return (
    <Table
      caption="Issuers"
      head={['Name', 'State', 'Certificate', 'Subject', 'Ends', 'Trust anchor']}
      none="There is no issuer."
      rows={issuers.map((row) => {
        const { name, isDefault, id, subject, why, notAfterMs, anchor } = row;
        return {
          key: `${name} ${id ?? ''}`,
          cells: [
            name === '' ? '–' : <NameOfIssuer name={name} isDefault={isDefault} />,
            issuerState(row),
            id === undefined ? '–' : <Code of={id} />,
            <Name of={subject ?? why ?? '–'} />,
            notAfterMs === undefined ? '–' : <Moment at={notAfterMs} />,
            anchor === undefined ? '–' : <Code of={anchor.slice(0, 16)} />,
          ],
        };
      })}
    />
  );
}

function NameOfIssuer({ name, isDefault }: Pick<IssuerRow, 'name' | 'isDefault'>) {
  return (
    <>
      <a href={`/issuers?issuer=${encodeURIComponent(name)}`}>
        <Name of={name} />
      </a>
      {isDefault && ' (default)'}
    </>
  );
}

function Issuer({ name }: { readonly name: string }) {
  const details = useAnswer<IssuerDetails>(`/api/issuers/${encodeURIComponent(name)}`);
  return (
    <section aria-label="Issuer">
      <h2>
        Issuer <Name of={name} />
      </h2>
      <WithAnswer of={details} show={(answer) => <Details of={answer} />} />
    </section>
  );
}

function Details({ of: { issuer, chain, custody, maxTtlMs, figures, history } }: { readonly of: IssuerDetails }) {
  const { live } = figures;
  return (
    <>
      <Facts
        facts={[
          ['State', issuerState(issuer)],
          ['Key', <Name of={custody} />],
          ['Longest certificate', maxTtlMs === undefined ? 'as the server allows' : formatDuration(maxTtlMs)],
          ['Counted since', <Moment at={figures.sinceMs} />],
          ['Issued', <Count of={figures.issued} />],
          ['Refused', <Count of={figures.refused} />],
          ['Live', <Count of={live.count} />],
          ...(live.latestEndMs === undefined ? [] : [['Last one ends', <Moment at={live.latestEndMs} />] as const]),
        ]}
      />
      <section>
        <h3>Chain, up to the trust anchor</h3>
        <ol class="chain">
          {chain.map(({ subject, sha256, notAfterMs }) => (
            <li key={sha256}>
              <Name of={subject} /> <Code of={sha256.slice(0, 16)} /> until <Moment at={notAfterMs} />
            </li>
          ))}
          <li>
            trust anchor <Code of={issuer.anchor ?? 'not known'} />
          </li>
        </ol>
      </section>
      <Table
        caption="Namespaces"
        head={['Namespace', 'Issued', 'Live']}
        numbers={[1, 2]}
        none="It issued nothing in that time."
        rows={figures.namespaces.map(({ namespace, issued, live: count }) => ({
          key: namespace,
          cells: [<Name of={namespace} />, <Count of={issued} />, <Count of={count} />],
        }))}
      />
      <Table
        caption="History"
        head={['Time', 'Certificate', 'From', 'To', 'By', 'Reason']}
        none="Nobody moved it."
        rows={history.map(({ timeMs, id, from, to, actor, approvedBy, reason }) => ({
          key: `${timeMs} ${id} ${to}`,
          cells: [
            <Moment at={timeMs} />,
            <Code of={id} />,
            from,
            to,
            <Name of={approvedBy === undefined ? actor : `${actor}, ${approvedBy}`} />,
            <Name of={reason} />,
          ],
        }))}
      />
    </>
  );
}
