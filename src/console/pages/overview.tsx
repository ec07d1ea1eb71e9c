// Whether all is well, at a glance: what is not, how long it can go on without us, what ends next, what was decided lately.
import type { Overview } from '../../adapters/http/admin/administer-overview.ts';
import type { IssuerRow } from '../../authority/administration/issuer-overview.ts';
import { DecisionsChart } from '../parts/chart.tsx';
import { Facts, type Fact } from '../parts/facts.tsx';
import { Table, type Row } from '../parts/table.tsx';
import { WithAnswer } from '../parts/answered.tsx';
import { Code, Count, Name, Span, State } from '../parts/values.tsx';
import { useAnswer } from '../use-answer.ts';
import { FirstToEnd } from './overview/first-to-end.tsx';
import type { PageProps } from './pages.tsx';
import { meaningOf } from './refusals.tsx';
import { WhatEnds } from './overview/what-ends.tsx';

export function OverviewPage({ address }: PageProps) {
  const overview = useAnswer<Overview>('/api/overview');
  const issuers = useAnswer<{ readonly issuers: readonly IssuerRow[] }>('/api/issuers');
  return (
    <WithAnswer
      of={overview}
      show={(answer) => (
        <>
          <Troubled of={answer} />
          <Facts facts={factsOf(answer)} />
          <section>
            <h2>Decisions of the past hour</h2>
            <DecisionsChart lately={answer.lately} />
          </section>
          <FirstToEnd />
          <WhatEnds of={answer} issuers={issuers.answer?.issuers ?? []} address={address} />
          <Table
            caption="Refusals since the server started"
            head={['Reason', 'Meaning', 'Refusals']}
            numbers={[2]}
            none="Nothing was refused."
            rows={refusalsOf(answer)}
          />
        </>
      )}
    />
  );
}

function Troubled({ of: { troubled } }: { readonly of: Overview }) {
  if (troubled.length === 0) return <p class="well">Every part works as it should.</p>;
  const rows = troubled.map(({ part, worker, state, why }) => ({
    key: `${part} ${worker ?? ''}`,
    cells: [
      worker === undefined ? part : `${part}, worker ${worker}`,
      <State word={state} tone={state === 'degraded' ? 'warn' : 'bad'} />,
      <Name of={why} />,
    ],
  }));
  return <Table caption="Not as it should be" head={['Part', 'State', 'Why']} rows={rows} none="" />;
}

function factsOf({ trustDomain, figures }: Overview): readonly Fact[] {
  const { issued, refused, streams, outageBudgetMs, overdue } = figures;
  const refusals = Object.values(refused).reduce((sum, count) => sum + count, 0);
  return [
    ['Trust domain', <Code of={trustDomain} />],
    ['Outage budget', outageBudgetMs === undefined ? 'not known yet' : <Span of={outageBudgetMs} />],
    ...(overdue === undefined ? [] : [['Overdue renewals', <Overdue count={overdue} />] as const]),
    ['Issued since the start', <Count of={issued} />],
    ['Refused since the start', <Count of={refusals} />],
    ['SDS streams', <Count of={streams} />],
  ];
}

function Overdue({ count }: { readonly count: number }) {
  return (
    <a href="/identities?state=overdue">
      <Count of={count} />
    </a>
  );
}

function refusalsOf({ figures }: Overview): readonly Row[] {
  return Object.entries(figures.refused)
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, count]) => ({
      key: reason,
      cells: [
        <a href={`/refusals?reason=${encodeURIComponent(reason)}`}>
          <Code of={reason} />
        </a>,
        meaningOf(reason),
        <Count of={count} />,
      ],
    }));
}
